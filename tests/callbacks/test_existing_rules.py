"""Rules that Kore.ai's recipe made, which can't sign."""

import pytest

from handoff.models import Callback
from handoff.models.bot import ChatSystem
from tests.callbacks.conftest import FIVE_KEYS, MESSAGE, call, signed


@pytest.fixture(autouse=True)
def accept_existing_rules(bot):
    bot.accept_existing_rules = True
    bot.save()


def test_their_five_keys_are_taken_unsigned(url):
    assert call(url, FIVE_KEYS).status_code == 202
    stored = Callback.objects.get()
    assert stored.authenticated_by == "existing_rule"
    assert stored.group_id == FIVE_KEYS["group"]


def test_they_are_refused_where_the_switch_is_off(bot, url):
    bot.accept_existing_rules = False
    bot.save()

    assert call(url, FIVE_KEYS).status_code == 401
    assert not Callback.objects.exists()


def test_agent_chat_has_no_such_rules(bot, url):
    bot.chat_system = ChatSystem.AGENT_CHAT
    bot.save()

    assert call(url, FIVE_KEYS).status_code == 401
    assert call(url, b"{").status_code == 401
    assert not Callback.objects.exists()


@pytest.mark.parametrize(
    "body",
    [
        MESSAGE,
        {},
        [],
        "text",
        {**FIVE_KEYS, "extra": "x"},
        {**FIVE_KEYS, "last_message": True},
        {key: FIVE_KEYS[key] for key in list(FIVE_KEYS)[:4]},
    ],
)
def test_anything_else_unsigned_is_refused(url, body):
    assert call(url, body).status_code == 401
    assert not Callback.objects.exists()


def test_a_wrong_signature_is_not_taken_for_none(url, secret):
    headers = signed(secret, FIVE_KEYS) | {"webhook_signature": "v1,AAAA"}

    assert call(url, FIVE_KEYS, **headers).status_code == 401


def test_a_signed_call_is_told_apart(url, secret):
    call(url, FIVE_KEYS, **signed(secret, FIVE_KEYS))

    assert Callback.objects.get().authenticated_by == "signature"


def test_a_body_that_a_quote_has_broken_is_kept(url):
    body = b'{"group":"g","formatted_message":"say "hi"","sys_id":"e"}'

    answer = call(url, body)

    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_body")
    stored = Callback.objects.get()
    assert (stored.state, stored.body) == ("broken", body.decode())
    assert stored.authenticated_by == "existing_rule"


def test_nobody_fills_the_table_with_broken_bodies(url, settings):
    settings.RATE_LIMIT_STRANGERS = 2
    answers = [call(url, b"{") for _ in range(4)]

    assert [a.status_code for a in answers] == [400, 400, 429, 429]
    assert Callback.objects.count() == 2


def test_nobody_fills_the_table_with_unsigned_messages(url, settings):
    settings.RATE_LIMIT_PER_BOT = 2
    answers = [call(url, FIVE_KEYS) for _ in range(3)]

    assert [a.status_code for a in answers] == [202, 202, 429]
    assert Callback.objects.count() == 2
