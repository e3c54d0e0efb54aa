"""A bot whose chat system is Agent Chat."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry

from handoff.models import AgentChatConfiguration, Bot, Handoff
from servicenow_auth.fields import Secret
from tests.admin.people import HOST, ME, QUEUE, WHO_AM_I, Admin, page, told

pytestmark = pytest.mark.django_db

AGENT_CHAT = {"chat_system": "agent_chat", "queue_id": "Returns_EU"}
OTHER_HOST = "https://other.service-now.com"


def stored() -> AgentChatConfiguration:
    return AgentChatConfiguration.objects.get()


def save(alice: Admin, bot: Bot, **changes: Any) -> str:
    """Save the bot as one of Agent Chat, and return the page that answers."""
    return page(alice.save_bot(bot, **AGENT_CHAT | changes))


@pytest.fixture
def secret(bot: Bot) -> str:
    """The bot's stored secret of message authentication."""
    bot.agent_chat.message_secret = Secret("the-message-secret")
    bot.agent_chat.message_auth = "token"
    bot.agent_chat.save()
    return "the-message-secret"


def condition_of(html: str, field: str) -> str:
    before = html[: html.index(f'name="{field}"')]
    return before.rsplit('x-show="', 1)[1].split('"', 1)[0]


@pytest.mark.parametrize(
    ("field", "condition"),
    [
        ("accept_existing_rules", "chat_system === 'connect_support'"),
        ("start_strategy", "chat_system === 'agent_chat'"),
        ("phrases_no_agent", "chat_system === 'agent_chat'"),
        (
            "message_secret",
            "chat_system === 'agent_chat' && "
            "(message_auth === 'token' || message_auth === 'hash')",
        ),
        ("queue_variable", "chat_system === 'agent_chat' && queue_mode === 'context'"),
    ],
)
def test_a_field_is_there_with_what_it_belongs_to(alice, bot, field, condition):
    html = page(alice.get("handoff_bot_change", bot.pk))
    assert condition_of(html, field) == condition


def test_what_the_page_says_is_stored(alice, bot):
    save(
        alice,
        bot,
        start_strategy="agent",
        app_inbound_id="shop_bot",
        message_auth="hash",
        message_secret=" a secret ",
        queue_variable="liveagent_region",
        answer_seconds="45",
        relay_survey="on",
        phrases_closed=" hat den Chat beendet \r\n\r\nist weg\r\nist weg",
        phrases_no_agent="",
    )
    bot.refresh_from_db()
    assert (bot.chat_system, bot.queue_id) == ("agent_chat", "Returns_EU")
    configuration = stored()
    assert configuration.start_strategy == "agent"
    assert configuration.app_inbound_id == "shop_bot"
    assert configuration.message_auth == "hash"
    assert configuration.message_secret.reveal() == " a secret "
    assert configuration.queue_variable == "liveagent_region"
    assert configuration.answer_timeout == timedelta(seconds=45)
    assert (configuration.relay_survey, configuration.relay_virtual_agent) == (
        True,
        False,
    )
    assert configuration.phrases == {
        "accepted": ["has entered the chat"],
        "closed": ["hat den Chat beendet", "ist weg"],
        "timed_out": ["The support session was closed"],
        "no_agent": [],
    }


def test_what_is_stored_is_shown_again(alice, bot):
    save(alice, bot, app_inbound_id="shop_bot", phrases_closed="is gone\r\nhas left")
    html = page(alice.get("handoff_bot_change", bot.pk))
    assert 'value="shop_bot"' in html
    assert "is gone\nhas left</textarea>" in html


def test_a_new_bot_may_be_one_of_agent_chat(alice, group):
    alice.add_bot(**AGENT_CHAT, answer_seconds="30", owner_group=group.pk)
    assert Bot.objects.get().chat_system == "agent_chat"
    assert stored().answer_timeout == timedelta(seconds=30)


def test_the_page_of_a_new_bot_shows_what_holds_unless_changed(alice, group):
    html = page(alice.get("handoff_bot_add"))
    assert 'value="liveagent_queue_id"' in html
    assert "has entered the chat</textarea>" in html


@pytest.mark.parametrize(
    "typed",
    [
        {"answer_seconds": "7", "queue_variable": "", "app_inbound_id": "x" * 999},
        {"message_auth": "token", "queue_mode": "awa", "start_strategy": "none"},
        dict.fromkeys(("answer_seconds", "queue_mode", "phrases_closed")),
    ],
)
def test_for_connect_support_none_of_it_counts(alice, bot, typed):
    before = AgentChatConfiguration.objects.values().get()
    assert alice.save_bot(bot, name="Saved", **typed).status_code == 302
    assert AgentChatConfiguration.objects.values().get() == before
    assert LogEntry.objects.get().get_change_message() == "Changed Name."


def test_a_bot_that_returns_to_agent_chat_finds_it_as_it_was(alice, bot, secret):
    save(alice, bot, message_auth="token", app_inbound_id="shop_bot")
    alice.save_bot(bot, app_inbound_id="")
    assert stored().app_inbound_id == "shop_bot"
    assert stored().message_secret.reveal() == secret


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"queue_id": "a b"}, "Letters, digits, - and _ only."),
        ({"queue_id": "../../sys_user"}, "Letters, digits, - and _ only."),
        ({"queue_id": "q" * 101}, "at most 100"),
        ({"answer_seconds": "9"}, "greater than or equal to 10"),
        ({"answer_seconds": "601"}, "less than or equal to 600"),
        ({"queue_variable": ""}, "required"),
        ({"queue_variable": "queue id"}, "letters, digits and _"),
        ({"start_strategy": "hope"}, "Select a valid choice"),
        ({"message_auth": "token"}, "Message authentication needs it."),
        ({"message_auth": "hash"}, "Message authentication needs it."),
        ({"queue_mode": "awa"}, "The AWA Routing API takes the sys_id of a queue"),
        ({"queue_mode": "awa", "queue_id": ""}, "takes the sys_id of a queue"),
        (
            {"queue_mode": "awa", "queue_id": QUEUE, "start_strategy": "start"},
            "only a conversation that is created first",
        ),
        ({"phrases_closed": "x" * 201}, "at most 200"),
        ({"phrases_closed": "\r\n".join(map(str, range(51)))}, "At most 50 lines"),
        ({"phrases_closed": "a\0b"}, "Null characters"),
    ],
)
def test_bad_input_is_explained_and_nothing_is_stored(alice, bot, change, sentence):
    html = save(alice, bot, name="Kept", **change)
    assert sentence in html
    assert 'value="Kept"' in html
    bot.refresh_from_db()
    assert (bot.name, bot.chat_system) == ("Shop", "connect_support")


def test_a_refused_form_can_be_mended_for_either_chat_system(alice, bot):
    html = page(alice.save_bot(bot, queue_id="Support"))
    assert "disabled" not in html[html.index('name="start_strategy"') :][:300]


def test_the_routing_api_gets_a_queue_by_its_sys_id(alice, bot):
    save(alice, bot, queue_mode="awa", queue_id=QUEUE.upper())
    bot.refresh_from_db()
    assert (bot.queue_id, stored().queue_mode) == (QUEUE, "awa")


def test_a_queue_of_agent_chat_keeps_its_capitals(alice, bot):
    save(alice, bot, queue_id="Returns-EU_2")
    bot.refresh_from_db()
    assert bot.queue_id == "Returns-EU_2"


# --- The secret of message authentication --------------------------------------------


def test_a_blank_secret_keeps_the_stored_one(alice, bot, secret):
    save(alice, bot, message_auth="token", answer_seconds="20")
    assert stored().message_secret.reveal() == secret
    assert stored().answer_timeout == timedelta(seconds=20)


def test_the_secret_is_told_by_its_fingerprint_alone(alice, bot, secret):
    html = page(alice.get("handoff_bot_change", bot.pk))
    assert f"fingerprint {stored().message_secret.fingerprint}" in html
    assert secret not in html


def test_a_secret_in_a_refused_form_is_asked_for_again(alice, bot):
    html = save(
        alice, bot, message_auth="token", message_secret="typed", queue_id="a b"
    )
    assert "Enter it again" in html
    assert 'value="typed"' not in html


def test_another_host_asks_before_it_clears_the_secret(alice, bot, secret):
    bot.connection.password = None
    bot.connection.save()
    html = page(alice.save_bot(bot, host_url=OTHER_HOST))
    assert f"The Host URL changes from {HOST} to {OTHER_HOST}." in html
    assert stored().message_secret.reveal() == secret


def test_another_host_clears_the_secret_of_a_chat_system_that_is_off(
    alice, bot, secret
):
    alice.save_bot(bot, host_url=OTHER_HOST, confirm_host="on")
    assert stored().message_secret is None


def test_another_host_needs_a_secret_of_its_own(alice, bot, secret):
    moved = {"host_url": OTHER_HOST, "confirm_host": "on", "message_auth": "token"}
    assert "Message authentication needs it." in save(alice, bot, **moved)
    assert stored().message_secret.reveal() == secret
    save(alice, bot, **moved, message_secret="of the other one")
    assert stored().message_secret.reveal() == "of the other one"


# --- Choosing the chat system --------------------------------------------------------


def test_the_chat_system_stays_while_handoffs_are_open(alice, bot):
    Handoff.objects.create(bot=bot, conversation_id="c-1")
    html = save(alice, bot)
    assert "1 open handoffs use Connect Support (Tokyo and lower)." in html
    bot.refresh_from_db()
    assert bot.chat_system == "connect_support"


def test_agent_chat_cannot_sign(alice, bot):
    save(alice, bot, callback_authentication="signature")
    bot.refresh_from_db()
    assert bot.callback_authentication == "header"
    save(alice, bot, callback_authentication="url")
    bot.refresh_from_db()
    assert bot.callback_authentication == "url"


@pytest.mark.django_db(transaction=True)
def test_a_queue_is_needed_by_connect_support_alone(alice, bot, http):
    http.get(WHO_AM_I, json={"result": [ME]})
    alice.save_bot(bot, **AGENT_CHAT | {"queue_id": ""}, enabled="on")
    answer = alice.save_bot(bot, queue_id="", enabled="on")
    assert told(answer) == [
        "Saved.",
        "Saved, but Enable is off: The Queue ID is missing.",
    ]
