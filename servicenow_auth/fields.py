"""Secrets in the database: sealed with a key ring, bound to their row and column.

A stored value reads `v1:<key id>:<Fernet token>`. The token holds the value together
with the place it was sealed for, so that a value copied to another row, column or
table does not open there. Nothing here ever falls back to what it could not open.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, NoReturn, Self

from cryptography.fernet import Fernet, InvalidToken
from django.apps import apps
from django.conf import settings
from django.core import checks
from django.db import models
from django.db.models.query_utils import DeferredAttribute
from django.utils import timezone
from django.utils.crypto import salted_hmac

from servicenow_auth.exceptions import SealBroken

VERSION = "v1"


class Ciphertext(str):
    """A sealed value as it is stored; the only text a `SealedField` accepts."""

    __slots__ = ()

    @property
    def key_id(self) -> str:
        return self.split(":", 2)[1] if self.count(":") >= 2 else ""


class Secret:
    """A value that is not seen by accident: call `reveal` where it is used."""

    def __init__(self, value: str, *, set_at: datetime | None = None) -> None:
        self._value = value
        self._set_at = set_at or timezone.now()

    def reveal(self) -> str:
        return self._value

    @property
    def set_at(self) -> datetime:
        return self._set_at

    @property
    def fingerprint(self) -> str:
        """Return eight hex digits to tell two values apart by eye.

        Keyed, so that whoever sees it cannot try passwords against it.
        """
        key = settings.FIELD_ENCRYPTION_KEYS[0]
        digest = salted_hmac(
            "servicenow_auth.Secret", self.reveal(), secret=key, algorithm="sha256"
        )
        return digest.hexdigest()[:8]

    def __repr__(self) -> str:
        return "•••"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not serialised; reveal() it where it is used")

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self


@dataclass(frozen=True, kw_only=True)
class Place:
    """The one cell of the database where a sealed value opens."""

    model: str
    pk: str
    field: str

    def __str__(self) -> str:
        return f"The stored {self.field} of {self.model} {self.pk}"

    @classmethod
    def of(cls, *, model: type[models.Model], pk: object, field: str) -> Self:
        if pk is None:
            raise ValueError("a sealed value needs its row's primary key")
        return cls(model=model._meta.label_lower, pk=str(pk), field=field)


class SealedSecret(Secret):
    """A secret as loaded: opened at first use, so that one broken value is no more."""

    def __init__(self, ciphertext: Ciphertext, *, place: Place) -> None:
        self.ciphertext = ciphertext
        self.place = place

    def reveal(self) -> str:
        return self._open()[0]

    @property
    def set_at(self) -> datetime:
        return self._open()[1]

    def _open(self) -> tuple[str, datetime]:
        return unseal(self.ciphertext, place=self.place)


def key_id(key: str) -> str:
    return hashlib.sha256(b"key id:" + key.encode()).hexdigest()[:8]


def seal(
    *, model: type[models.Model], pk: object, field: str, value: str | Secret
) -> Ciphertext:
    """Seal a value for one cell, as `QuerySet.update` wants it."""
    secret = value if isinstance(value, Secret) else Secret(value)
    return _seal(secret, place=Place.of(model=model, pk=pk, field=field))


def reseal(
    *, model: type[models.Model], pk: object, field: str, held: Ciphertext
) -> Ciphertext:
    """Seal what is stored in a cell with the newest key; SealBroken if it is not."""
    place = Place.of(model=model, pk=pk, field=field)
    value, set_at = unseal(held, place=place)
    return _seal(Secret(value, set_at=set_at), place=place)


def _seal(secret: Secret, *, place: Place) -> Ciphertext:
    if not settings.FIELD_ENCRYPTION_KEYS:
        raise SealBroken("FIELD_ENCRYPTION_KEYS is empty.")
    key = settings.FIELD_ENCRYPTION_KEYS[0]
    payload = [place.model, place.pk, place.field, secret.reveal()]
    payload.append(secret.set_at.isoformat())
    token = Fernet(key).encrypt(json.dumps(payload).encode()).decode()
    return Ciphertext(f"{VERSION}:{key_id(key)}:{token}")


def unseal(ciphertext: Ciphertext, *, place: Place) -> tuple[str, datetime]:
    """Return the value and when it was set, or raise SealBroken."""
    keys = {key_id(key): key for key in settings.FIELD_ENCRYPTION_KEYS}
    if not ciphertext.startswith(f"{VERSION}:") or ciphertext.key_id not in keys:
        raise SealBroken(f"{place} is sealed with an unknown key.")
    token = ciphertext.split(":", 2)[2]
    try:
        opened = Fernet(keys[ciphertext.key_id]).decrypt(token)
    except InvalidToken:
        raise SealBroken(f"{place} was tampered with.") from None
    model, pk, field, value, set_at = json.loads(opened)
    if Place(model=model, pk=pk, field=field) != place:
        raise SealBroken(f"{place} was sealed for another place.")
    return value, datetime.fromisoformat(set_at)


class _SealedAttribute(DeferredAttribute):
    """Gives a `Secret` to whoever reads the attribute, and takes nothing plain."""

    field: "SealedField"

    def __get__(self, instance: Any, cls: Any = None) -> Any:
        value = super().__get__(instance, cls)
        if isinstance(value, Ciphertext):
            return SealedSecret(value, place=self.field.place(instance))
        return value

    def __set__(self, instance: models.Model, value: Any) -> None:
        if not (value is None or isinstance(value, Secret | Ciphertext)):
            raise TypeError(f"{self.field.name} takes a Secret, not plain text")
        instance.__dict__[self.field.attname] = value


if TYPE_CHECKING:
    _Field = models.Field[Secret | None, Secret | None]
else:
    _Field = models.Field


class SealedField(_Field):
    """Stores a `Secret`; never in a form, and only as ciphertext in any export."""

    descriptor_class = _SealedAttribute

    def __init__(self, verbose_name: str | None = None, **kwargs: Any) -> None:
        super().__init__(
            verbose_name, **kwargs | {"null": True, "blank": True, "editable": False}
        )

    def get_internal_type(self) -> str:
        return "TextField"

    def place(self, instance: models.Model) -> Place:
        return Place.of(model=self.model, pk=instance.pk, field=self.name)

    def check(self, **kwargs: Any) -> list[checks.CheckMessage]:
        errors = super().check(**kwargs)
        if isinstance(self.model._meta.pk, models.AutoField):
            hint = "Give the model a UUID primary key: it is known before the save."
            errors.append(
                checks.Error(
                    "A sealed value is bound to its row's primary key, and an "
                    "automatic one does not exist yet when the value is sealed.",
                    hint=hint,
                    obj=self,
                    id="servicenow_auth.E004",
                )
            )
        return errors

    def from_db_value(self, value: str | None, *args: object) -> Ciphertext | None:
        return None if value is None else Ciphertext(value)

    def to_python(self, value: Any) -> Any:
        # Only a fixture reaches this with text: it holds what dumpdata wrote.
        return Ciphertext(value) if type(value) is str else value

    def get_prep_value(self, value: Any) -> str | None:
        if isinstance(value, SealedSecret):
            value = value.ciphertext
        if not (value is None or isinstance(value, Ciphertext)):
            raise TypeError(f"{self.name} takes a sealed value; see fields.seal")
        return None if value is None else str(value)

    def pre_save(self, model_instance: models.Model, add: bool) -> Ciphertext | None:
        secret: Secret | None = getattr(model_instance, self.attname)
        if secret is None:
            return None
        place = self.place(model_instance)
        if isinstance(secret, SealedSecret) and secret.place == place:
            return secret.ciphertext
        return _seal(secret, place=place)

    def value_to_string(self, obj: models.Model) -> str:
        return self.pre_save(obj, add=False) or ""


def sealed_fields() -> Iterator[tuple[type[models.Model], SealedField]]:
    """Return every sealed column of every installed app."""
    for model in apps.get_models():
        for field in model._meta.local_fields:
            if isinstance(field, SealedField):
                yield model, field
