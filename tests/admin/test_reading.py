"""What a bot's page says of reading what callbacks did not tell."""

from datetime import timedelta

import pytest
from django.utils.timezone import now

from handoff.models import BotRuntime, Callback, Handoff
from handoff.relay.reconciling import NOT_SURVIVED
from servicenow_auth.models import ConnectionRuntime, State
from tests.admin.people import page

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


@pytest.fixture
def shown(alice, bot):
    """Return the page, once the bot is connected and its runtime is as given."""
    ConnectionRuntime.objects.update(state=State.READY, user_name="chatbot.interface")

    def show(**runtime) -> str:
        BotRuntime.objects.update(**runtime)
        return page(alice.get("handoff_bot_change", bot.pk))

    return show


def test_nothing_is_read_while_nothing_is_open(shown):
    assert "Not now: nothing is open" in shown()


def test_where_no_callback_ever_came_it_is_said_that_messages_are_fetched(shown):
    html = shown(reconcile_at=now(), recovered_at=now())

    line = "No callback has come yet: messages are fetched every 15 s"
    assert f"connected as chatbot.interface. {line}" in html
    assert html.count(line) == 2


def test_since_when_none_came_is_said(shown, bot):
    callback = Callback.objects.create(bot=bot, authenticated_by="url", body="{}")
    callback.received_at = now() - 90 * MINUTE
    callback.save()

    html = shown(reconcile_at=now(), recovered_at=now())

    assert f"since {callback.received_at:%Y-%m-%d %H:%M} UTC: messages are" in html


def test_callbacks_that_tell_all_are_said_to(shown, bot):
    since = now() - 20 * MINUTE
    Callback.objects.create(bot=bot, authenticated_by="url", body="{}")

    html = shown(
        reconcile_at=now(), recovered_at=since - MINUTE, callbacks_work_since=since
    )

    assert f"Every 60 s: callbacks have told all since {since:%Y-%m-%d %H:%M}" in html
    assert "messages are fetched" not in html


def test_a_callback_that_was_missed_is_said(shown, bot):
    Callback.objects.create(bot=bot, authenticated_by="url", body="{}")
    at = now() - 5 * MINUTE

    html = shown(reconcile_at=now(), recovered_at=at)

    assert f"Every 15 s: at {at:%Y-%m-%d %H:%M} UTC something was found" in html


def test_tables_that_are_closed_to_us_are_said_with_the_cure(shown):
    html = shown(reconcile_at=now(), reading_error="ServiceNow answered 403.")

    assert "connected as chatbot.interface, which may not read its chats" in html
    cure = (
        "Let chatbot.interface read its own rows of chat_queue_entry and live_message"
    )
    assert f"ServiceNow answered 403. {cure}." in html
    assert "Until then each conversation is read by itself." in html


def test_reads_that_broke_off_are_said_without_a_cure_that_is_none(shown):
    html = shown(reconcile_at=now(), reading_error=NOT_SURVIVED)

    assert html.count(NOT_SURVIVED) == 2
    assert "read its own rows" not in html


def test_a_conversation_that_is_no_longer_read_is_counted(alice, shown, bot):
    handoff = Handoff.objects.create(bot=bot, conversation_id="c-1", looks=11)
    Handoff.objects.create(bot=bot, conversation_id="c-2", looks=10)

    assert "1: 10 reads in a row broke off. Callbacks are relayed" in shown()
    html = page(alice.get("handoff_handoff_change", handoff.pk))
    assert "Given up: 10 reads in a row broke off" in html
