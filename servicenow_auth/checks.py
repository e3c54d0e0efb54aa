from collections.abc import Sequence
from typing import Any

from cryptography.fernet import Fernet
from django.apps import AppConfig
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, register
from django.db import DatabaseError, transaction
from django.db.models import TextField
from django.db.models.functions import Substr

from servicenow_auth.fields import VERSION, key_id, sealed_fields

HINT = (
    "Make one with: python -c 'from cryptography.fernet import Fernet; "
    "print(Fernet.generate_key().decode())'"
)


@register(Tags.security)
def encryption_keys(
    *, app_configs: Sequence[AppConfig] | None, **kwargs: Any
) -> list[CheckMessage]:
    keys = settings.FIELD_ENCRYPTION_KEYS
    if not keys:
        message = "FIELD_ENCRYPTION_KEYS is empty: no credential can be stored."
        return [Error(message, hint=HINT, id="servicenow_auth.E001")]
    return [
        Error(
            f"Key {number} of FIELD_ENCRYPTION_KEYS is not a Fernet key.",
            hint=HINT,
            id="servicenow_auth.E002",
        )
        for number, key in enumerate(keys, start=1)
        if not _is_a_key(key)
    ]


def _is_a_key(key: str) -> bool:
    try:
        Fernet(key)
    except ValueError:
        return False
    return True


@register(Tags.database)
def stored_keys_are_known(
    *, databases: Sequence[str] | None, **kwargs: Any
) -> list[CheckMessage]:
    known = {f"{VERSION}:{key_id(key)}:" for key in settings.FIELD_ENCRYPTION_KEYS}
    missing = sorted(
        {prefix for alias in databases or () for prefix in _stored(alias)} - known
    )
    return [
        Error(
            f"Secrets are stored under the key {prefix.split(':')[1]!r}, which is not "
            "in FIELD_ENCRYPTION_KEYS: they cannot be opened.",
            hint="Put the old key back behind the new one, run "
            "`manage.py rotate_keys`, then remove it.",
            id="servicenow_auth.E003",
        )
        for prefix in missing
    ]


def _stored(alias: str) -> set[str]:
    """Return the distinct `v1:<key id>:` in use; none where nothing is migrated yet."""
    width = len(f"{VERSION}:12345678:")
    found: set[str] = set()
    try:
        with transaction.atomic(using=alias):
            for model, field in sealed_fields():
                rows = model._base_manager.using(alias).exclude(**{field.name: None})
                prefix = Substr(field.name, 1, width, output_field=TextField())
                found |= set(rows.values_list(prefix, flat=True).distinct())
    except DatabaseError:
        return set()
    return found
