import copy
import json
import pickle
from datetime import timedelta

import pytest
from cryptography.fernet import Fernet
from django.core.management import call_command
from django.forms import modelform_factory
from django.utils import timezone

from servicenow_auth.exceptions import SealBroken
from servicenow_auth.fields import Ciphertext, Secret, seal
from servicenow_auth.models import Connection

CANARY = "canary-7d1f"
pytestmark = pytest.mark.django_db


@pytest.fixture
def connection() -> Connection:
    return Connection.objects.create(password=Secret(CANARY))


def stored(connection: Connection, field: str = "password") -> Ciphertext:
    value = Connection.objects.values_list(field, flat=True).get(pk=connection.pk)
    assert isinstance(value, Ciphertext)
    return value


def test_a_secret_comes_back_as_it_was(connection):
    password = Connection.objects.get(pk=connection.pk).password
    assert password is not None
    assert password.reveal() == CANARY
    assert timezone.now() - password.set_at < timedelta(minutes=1)


def test_saving_again_keeps_what_is_stored(connection):
    before = stored(connection)
    Connection.objects.get(pk=connection.pk).save()
    assert stored(connection) == before


def test_nothing_is_stored_for_no_secret(connection):
    assert connection.client_secret is None
    assert Connection.objects.filter(client_secret=None).exists()


def test_a_deferred_secret_is_loaded_when_it_is_asked_for(connection):
    loaded = Connection.objects.defer("password").get(pk=connection.pk)
    assert loaded.password is not None
    assert loaded.password.reveal() == CANARY


def test_a_secret_shows_itself_nowhere(connection):
    loaded = Connection.objects.get(pk=connection.pk).password
    for secret in (Secret(CANARY), loaded):
        assert CANARY not in f"{secret} {secret!r} {[secret]} {secret!s:>9}"
        for serialise in (json.dumps, pickle.dumps):
            with pytest.raises(TypeError):
                serialise(secret)


def test_a_copied_row_keeps_its_secret(connection):
    assert copy.deepcopy(connection).password.reveal() == CANARY


def test_a_pickled_row_gives_no_secret_away(connection):
    assert CANARY.encode() not in pickle.dumps(Connection.objects.get())
    with pytest.raises(TypeError):
        pickle.dumps(connection)


def test_an_export_holds_ciphertext_only_and_can_be_loaded(connection, tmp_path):
    dump = tmp_path / "dump.json"
    call_command("dumpdata", "servicenow_auth", output=str(dump))
    values = str(Connection.objects.values())
    assert stored(connection) in dump.read_text()
    assert CANARY not in dump.read_text() + values
    Connection.objects.all().delete()
    call_command("loaddata", str(dump), verbosity=0)
    assert Connection.objects.get().password.reveal() == CANARY


def test_a_form_of_the_model_has_no_field_for_it():
    form = modelform_factory(Connection, exclude=[])
    assert not {"password", "client_secret"} & set(form.base_fields)


def test_plain_text_is_refused_wherever_it_could_slip_in(connection):
    with pytest.raises(TypeError):
        connection.password = CANARY
    with pytest.raises(TypeError):
        Connection(password=CANARY)  # type: ignore[misc] # the mistake to be caught
    with pytest.raises(TypeError):
        Connection.objects.update(password=CANARY)
    with pytest.raises(TypeError):
        Connection.objects.update(password=Secret(CANARY))
    with pytest.raises(TypeError):
        Connection.objects.filter(password=CANARY).exists()


def test_a_sealed_value_can_be_written_by_an_update(connection):
    sealed = seal(model=Connection, pk=connection.pk, field="password", value="new")
    Connection.objects.update(password=sealed)
    connection.refresh_from_db()
    assert connection.password.reveal() == "new"


def test_a_value_opens_in_no_other_row(connection):
    Connection.objects.create(pk="00000000-0000-4000-8000-000000000000")
    Connection.objects.update(password=stored(connection))
    moved = Connection.objects.exclude(pk=connection.pk).get()
    with pytest.raises(SealBroken, match="another place"):
        moved.password.reveal()


def test_a_value_opens_in_no_other_column(connection):
    Connection.objects.update(client_secret=stored(connection))
    connection.refresh_from_db()
    with pytest.raises(SealBroken, match="another place"):
        connection.client_secret.reveal()


@pytest.mark.parametrize(
    "damage",
    [
        lambda sealed: sealed[:-8] + "AAAAAAAA",
        lambda sealed: sealed[:40],
        lambda sealed: sealed.replace("v1:", "v2:"),
        lambda sealed: "v1:",
        lambda sealed: "v1::",
        lambda sealed: CANARY,
        lambda sealed: "",
    ],
)
def test_a_damaged_value_is_never_taken_for_one(damage, connection):
    Connection.objects.update(password=Ciphertext(damage(stored(connection))))
    loaded = Connection.objects.get()  # the row can be loaded all the same
    with pytest.raises(SealBroken) as broken:
        loaded.password.reveal()
    assert CANARY not in str(broken.value)


def test_an_old_key_opens_and_the_newest_one_seals(settings, connection):
    old = stored(connection).key_id
    settings.FIELD_ENCRYPTION_KEYS = [
        Fernet.generate_key().decode(),
        *settings.FIELD_ENCRYPTION_KEYS,
    ]
    connection.refresh_from_db()
    assert connection.password.reveal() == CANARY
    connection.client_secret = Secret("other")
    connection.save()
    assert stored(connection, "client_secret").key_id != old
    assert stored(connection).key_id == old


def test_a_lost_key_breaks_the_seal(settings, connection):
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    connection.refresh_from_db()
    with pytest.raises(SealBroken, match="unknown key"):
        connection.password.reveal()


def test_a_fingerprint_tells_values_apart_and_needs_the_key(settings):
    secret = Secret(CANARY)
    assert secret.fingerprint == Secret(CANARY).fingerprint
    assert len(secret.fingerprint) == 8
    assert secret.fingerprint != Secret("other").fingerprint
    before = secret.fingerprint
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    assert secret.fingerprint != before
