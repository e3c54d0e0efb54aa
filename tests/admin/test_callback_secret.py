"""The callback secret: shown once, with what to do with it."""

import re

import pytest

from handoff.models import Bot
from handoff.models.bot import CallbackAuthentication, ChatSystem
from tests.admin.people import Admin, page
from tests.callbacks.conftest import call, knock

pytestmark = pytest.mark.django_db


def shown(alice: Admin, bot: Bot) -> tuple[str, str]:
    """Make a new callback secret, and return its value and its page."""
    html = page(alice.post("handoff_bot_new_secret", bot.pk, "callback"))
    value = re.search(r'id="callback-secret"[^>]*>([^<]*)<', html)
    assert value
    return value[1], html


@pytest.mark.parametrize("authentication", CallbackAuthentication)
def test_what_is_shown_opens_the_door(alice, bot, authentication):
    bot.callback_authentication = authentication
    bot.save()
    value, _ = shown(alice, bot)
    if authentication == CallbackAuthentication.URL:
        assert value.startswith(f"{bot.callback_url}?secret=")
        assert call(value).status_code == 202
    else:
        answer = knock(authentication, bot.callback_url, secret=value)
        assert answer.status_code == 202


@pytest.mark.parametrize(
    ("authentication", "use"),
    [
        ("header", "the header X-Handoff-Secret of the outbound connection"),
        ("basic", "in the credential of Bot Connection"),
        ("url", "as the Connection URL of Bot Connection"),
        ("signature", "choose another callback authentication"),
    ],
)
def test_its_use_is_told_for_agent_chat(alice, bot, authentication, use):
    bot.chat_system = ChatSystem.AGENT_CHAT
    bot.callback_authentication = authentication
    bot.save()
    assert use in shown(alice, bot)[1]


def test_a_new_bot_of_agent_chat_is_shown_a_static_header(alice, group):
    html = page(alice.add_bot(chat_system="agent_chat", owner_group=group.pk))
    assert "the header X-Handoff-Secret of the outbound connection" in html


@pytest.mark.parametrize("authentication", CallbackAuthentication)
def test_its_use_is_told_for_connect_support(alice, bot, authentication):
    bot.callback_authentication = authentication
    bot.save()
    _, html = shown(alice, bot)
    assert "handoff.callback_key" in html or "REST message" in html
    assert "Bot Connection" not in html
