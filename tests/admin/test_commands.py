import io

import pytest
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command
from django_otp.plugins.otp_static.models import StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from handoff.models import ApiKey

pytestmark = pytest.mark.django_db

PASSWORD = "correct horse battery"


def create_operator(monkeypatch, *args: str, password: str = PASSWORD) -> str:
    out = io.StringIO()
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{password}\n"))
    call_command("create_operator", *args, stdout=out)
    return out.getvalue()


def test_an_operator_may_do_everything_and_has_a_second_factor(monkeypatch):
    printed = create_operator(monkeypatch, "olga")
    user = User.objects.get()
    assert (user.is_superuser, user.is_staff) == (True, True)
    assert user.check_password(PASSWORD)
    assert TOTPDevice.objects.get(user=user).config_url in printed
    codes = StaticToken.objects.filter(device__user=user)
    assert codes.count() == 8
    assert all(code.token in printed for code in codes)
    assert PASSWORD not in printed


@pytest.mark.parametrize("password", ["", "short", "12345678901234"])
def test_a_weak_password_makes_nobody(monkeypatch, password):
    with pytest.raises(CommandError):
        create_operator(monkeypatch, "olga", password=password)
    assert not User.objects.exists()


def test_an_operator_is_not_made_twice(monkeypatch):
    create_operator(monkeypatch, "olga")
    with pytest.raises(CommandError, match="Did you mean --renew"):
        create_operator(monkeypatch, "olga")


def test_a_renewed_second_factor_replaces_the_old_one(monkeypatch):
    create_operator(monkeypatch, "olga")
    old = TOTPDevice.objects.get().key
    create_operator(monkeypatch, "olga", "--renew")
    assert TOTPDevice.objects.get().key != old
    assert StaticToken.objects.count() == 8
    assert User.objects.get().check_password(PASSWORD)


def test_a_developer_who_gets_a_second_factor_stays_a_developer(monkeypatch):
    User.objects.create_user("alice", is_staff=True)
    create_operator(monkeypatch, "alice", "--renew")
    assert not User.objects.get().is_superuser


def test_nobody_is_renewed_who_does_not_exist(monkeypatch):
    with pytest.raises(CommandError, match="no user"):
        create_operator(monkeypatch, "olga", "--renew")


def test_a_printed_api_key_is_the_bots(bot, capsys):
    call_command("create_api_key", bot.slug, name="staging")
    value = capsys.readouterr().out.strip()
    key = ApiKey.objects.by_value(value).get()
    assert (key.bot, key.name) == (bot, "staging")


def test_an_unknown_bot_is_answered_with_those_there_are(bot):
    with pytest.raises(CommandError, match=f"Bots: {bot.slug}"):
        call_command("create_api_key", "nobody")
