"""The key ring: what is checked before anything starts, and its rotation."""

import io
from collections.abc import Callable

import pytest
from cryptography.fernet import Fernet
from django.core.checks import run_checks
from django.core.management import CommandError, call_command

from servicenow_auth.fields import Ciphertext, Secret, key_id
from servicenow_auth.models import Connection, ConnectionRuntime

pytestmark = pytest.mark.django_db


@pytest.fixture
def new_key(settings) -> str:
    """Put a new key before the one that everything is sealed with."""
    connection = Connection.objects.create(
        password=Secret("password"), client_secret=Secret("client secret")
    )
    ConnectionRuntime.objects.create(
        connection=connection, refresh_token=Secret("refresh token")
    )
    new = Fernet.generate_key().decode()
    settings.FIELD_ENCRYPTION_KEYS = [new, *settings.FIELD_ENCRYPTION_KEYS]
    return new


def rotate() -> str:
    out = io.StringIO()
    call_command("rotate_keys", stdout=out, stderr=io.StringIO())
    return out.getvalue()


def found(**options: list[str]) -> set[str | None]:
    return {
        message.id
        for message in run_checks(**options)  # type: ignore[arg-type] # only databases
        if (message.id or "").startswith("servicenow_auth.")
    }


def test_rotation_leaves_nothing_under_the_old_key(settings, new_key):
    old = key_id(settings.FIELD_ENCRYPTION_KEYS[1])
    assert rotate() == f"{old} -> {key_id(new_key)}: 3\n"
    settings.FIELD_ENCRYPTION_KEYS = [new_key]
    connection = Connection.objects.select_related("runtime").get()
    assert connection.password.reveal() == "password"
    token = connection.runtime.refresh_token
    assert token.reveal() == "refresh token"
    assert rotate() == f"{key_id(new_key)} (newest): 3\n"


def test_rotation_keeps_when_a_secret_was_set(new_key):
    before = Connection.objects.get().password
    rotate()
    after = Connection.objects.get().password
    assert before
    assert after
    assert before.set_at == after.set_at


@pytest.fixture
def on_sealing(monkeypatch) -> Callable[[Callable[[], object]], None]:
    """Let something happen just before each value is sealed."""
    encrypt = Fernet.encrypt

    def install(happening: Callable[[], object]) -> None:
        def interrupted(self: Fernet, data: bytes) -> bytes:
            happening()
            return encrypt(self, data)

        monkeypatch.setattr(Fernet, "encrypt", interrupted)

    return install


def test_rotation_goes_on_where_it_was_interrupted(on_sealing, settings, new_key):
    fates = iter([None, KeyboardInterrupt()])

    def die_at_the_second() -> None:
        if fate := next(fates, None):
            raise fate

    on_sealing(die_at_the_second)
    with pytest.raises(KeyboardInterrupt):
        rotate()
    assert "(newest): 1" in rotate()
    settings.FIELD_ENCRYPTION_KEYS = [new_key]
    assert "(newest): 3" in rotate()


def test_rotation_leaves_alone_what_it_cannot_open_and_fails(new_key):
    Connection.objects.update(password=Ciphertext("v1:12345678:nothing"))
    with pytest.raises(CommandError, match="1 secrets cannot be opened"):
        rotate()
    assert Connection.objects.filter(password=Ciphertext("v1:12345678:nothing"))


def test_a_secret_set_meanwhile_is_not_overwritten(on_sealing, new_key):
    on_sealing(lambda: Connection.objects.update(password=None))
    rotate()
    assert Connection.objects.get().password is None


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ([], {"servicenow_auth.E001"}),
        (["not a key"], {"servicenow_auth.E002"}),
        ([Fernet.generate_key().decode()], set()),
    ],
)
def test_a_bad_key_ring_is_found_before_it_is_needed(settings, keys, expected):
    settings.FIELD_ENCRYPTION_KEYS = keys
    assert found() == expected


def test_a_stored_value_without_its_key_is_found(settings, new_key):
    assert found(databases=["default"]) == set()
    settings.FIELD_ENCRYPTION_KEYS = [new_key]
    assert found(databases=["default"]) == {"servicenow_auth.E003"}
