import pytest
from django.contrib.admin.models import LogEntry
from django.utils.timezone import now

from handoff import services
from handoff.models import ApiKey, BotRuntime, SigningSecret
from servicenow_auth.fields import Secret
from servicenow_auth.models import ConnectionRuntime, State
from tests.admin.people import HOST, make_bot, page, told

pytestmark = pytest.mark.django_db

BUTTONS = [
    ("new_api_key", ()),
    ("new_secret", ("webhook",)),
    ("disconnect", ()),
    ("webhook_on", ()),
]


def test_a_new_api_key_is_shown_once(alice, bot):
    shown = alice.post("handoff_bot_new_api_key", bot.pk)
    key = ApiKey.objects.get()
    start = page(shown).index(key.prefix)
    value = page(shown)[start : start + 46]
    assert ApiKey.objects.by_value(value).get() == key
    assert "no-store" in shown["Cache-Control"]
    assert value not in page(alice.get("handoff_bot_change", bot.pk))
    assert value not in LogEntry.objects.get().change_message


def test_a_revoked_key_is_good_for_nothing(alice, bot):
    key, value = services.create_api_key(bot=bot)
    answer = alice.post("handoff_bot_revoke_api_key", bot.pk, key.pk)
    assert told(answer) == [f"The API key {key} is revoked."]
    assert not ApiKey.objects.by_value(value).exists()
    assert key.prefix not in page(alice.get("handoff_bot_change", bot.pk)).replace(
        f"The API key {key}", ""
    )


def test_another_bots_key_is_not_revoked_through_ones_own(alice, bot):
    key, _ = services.create_api_key(bot=make_bot("Bank"))
    answer = alice.post("handoff_bot_revoke_api_key", bot.pk, key.pk)
    assert answer.status_code == 404
    key.refresh_from_db()
    assert key.revoked_at is None


@pytest.mark.parametrize("purpose", SigningSecret.Purpose.values)
def test_a_new_signing_secret_is_shown_once_and_the_old_one_lasts(alice, bot, purpose):
    old = services.new_signing_secret(bot=bot, purpose=SigningSecret.Purpose(purpose))
    shown = alice.post("handoff_bot_new_secret", bot.pk, purpose)
    secrets = bot.signing_secrets.valid().filter(purpose=purpose)
    new = secrets.get(expires_at=None).value.reveal()
    assert new in page(shown)
    assert secrets.count() == 2
    html = page(alice.get("handoff_bot_change", bot.pk))
    assert "Replaced; valid until" in html
    assert new not in html
    assert old.reveal() not in html


def test_a_secret_of_no_known_purpose_is_404(alice, bot):
    assert alice.post("handoff_bot_new_secret", bot.pk, "login").status_code == 404


def test_disconnect_revokes_and_clears_the_tokens(alice, bot, http):
    revoked = http.post(f"{HOST}/oauth_revoke_token.do", status=200)
    runtime = ConnectionRuntime.objects.get()
    runtime.refresh_token = Secret("the-token")
    runtime.save()
    answer = alice.post("handoff_bot_disconnect", bot.pk)
    assert answer.url == f"/admin/handoff/bot/{bot.pk}/change/"
    assert revoked.call_count == 1
    runtime.refresh_from_db()
    assert (runtime.state, runtime.refresh_token) == (State.NOT_AUTHORIZED, None)


@pytest.mark.parametrize(("name", "args"), BUTTONS)
def test_a_link_does_nothing(alice, bot, name, args):
    assert alice.get(f"handoff_bot_{name}", bot.pk, *args).status_code == 405
    assert not LogEntry.objects.exists()


@pytest.mark.parametrize(("name", "args"), BUTTONS)
def test_each_button_leaves_a_line(alice, bot, name, args):
    alice.post(f"handoff_bot_{name}", bot.pk, *args)
    assert LogEntry.objects.get().user.username == "alice"


def test_disconnect_is_offered_where_there_is_a_token(alice, bot):
    assert "Disconnect" not in page(alice.get("handoff_bot_change", bot.pk))
    runtime = ConnectionRuntime.objects.get()
    runtime.refresh_token = Secret("the-token")
    runtime.save()
    assert "Disconnect" in page(alice.get("handoff_bot_change", bot.pk))


def test_a_webhook_that_a_bot_switched_off_is_switched_on_again(alice, bot):
    label = "Switch the webhook on"
    bot.webhook_url = "https://bot.example.org/webhook"
    bot.save()
    assert label not in page(alice.get("handoff_bot_change", bot.pk))
    BotRuntime.objects.update(webhook_disabled_at=now())
    assert label in page(alice.get("handoff_bot_change", bot.pk))

    alice.post("handoff_bot_webhook_on", bot.pk)

    assert BotRuntime.objects.get().webhook_disabled_at is None
