"""Each way of proving to be ServiceNow, put to the same tests."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils.timezone import now

from handoff import services
from handoff.models import Bot, Callback, SigningSecret
from handoff.models.bot import CallbackAuthentication, ChatSystem
from tests.api.bots import make_bot
from tests.callbacks.conftest import (
    MESSAGE,
    call,
    knock,
    new_secret,
    signed,
    static_header,
)

pytestmark = pytest.mark.both_databases

Door = Callable[..., Any]


@pytest.fixture(params=CallbackAuthentication)
def door(request, bot: Bot, url: str) -> Door:
    """Call with a secret, the way the bot demands it."""
    bot.callback_authentication = request.param
    bot.save()

    def knock_with(secret: str, body: Any = MESSAGE) -> Any:
        return knock(request.param, url, secret=secret, body=body)

    return knock_with


def is_refused(answer):
    return answer.status_code == 401 and answer.json()["code"] == "unauthorized"


def test_the_secret_opens(bot, url, secret, door):
    answer = door(secret)

    assert answer.status_code == 202
    assert answer.json() == {"stored": True}
    stored = Callback.objects.get()
    assert (stored.bot, stored.group_id) == (bot, MESSAGE["group"])
    assert stored.authenticated_by == bot.callback_authentication


def test_no_secret_is_refused(url, secret, door):
    assert is_refused(call(url))
    assert not Callback.objects.exists()


def test_a_wrong_secret_is_refused(url, secret, door):
    assert is_refused(door(SigningSecret.generate().reveal()))
    assert not Callback.objects.exists()


def test_another_bots_secret_is_refused(url, secret, door):
    assert is_refused(door(new_secret(make_bot("Rival"))))


def test_the_webhooks_secret_is_refused(bot, url, secret, door):
    ours = services.new_signing_secret(bot=bot, purpose=SigningSecret.Purpose.WEBHOOK)

    assert is_refused(door(ours.reveal()))


def test_a_bot_without_a_secret_refuses(url, door):
    assert is_refused(door("whsec_" + "A" * 44))


def test_old_and_new_secret_open_during_a_rotation(bot, url, secret, door):
    new = new_secret(bot)

    assert door(secret).status_code == 202
    assert door(new).status_code == 202


def test_the_old_secret_is_refused_after_the_rotation(bot, url, secret, door):
    new = new_secret(bot)
    bot.signing_secrets.exclude(expires_at=None).update(
        expires_at=now() - timedelta(seconds=1)
    )

    assert is_refused(door(secret))
    assert door(new).status_code == 202


def test_a_broken_body_is_kept_and_refused(url, secret, door):
    body = b'{"group": "g", "text": "he said "no" to me"}'

    answer = door(secret, body)

    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_body")
    stored = Callback.objects.get()
    assert (stored.state, stored.body) == ("broken", body.decode())


@pytest.mark.parametrize("body", [{"kind": "surprise"}, {}, [], "text", None, 7])
def test_an_unknown_kind_is_kept_without_complaint(url, secret, door, body):
    assert door(secret, body).status_code == 202
    assert Callback.objects.get().state == "stored"


HOSTILE = {
    "NUL": b'{"group": "a\\u0000b"}',
    "raw NUL": b'{"group": "a\0b"}',
    "lone surrogate": b'{"group": "\\ud800"}',
    "deep": b"[" * 30_000 + b"]" * 30_000,
    "repeated key": b'{"group": "a", "group": "b"}',
    "overflow": b'{"group": 1e999}',
    "empty": b"",
}


@pytest.mark.parametrize("body", HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_body_is_kept_and_never_a_fault_of_ours(url, secret, door, body):
    answer = door(secret, body)

    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_body")
    assert "\0" not in Callback.objects.get().body


def test_bytes_that_are_no_text_are_kept(bot, url, secret):
    bot.callback_authentication = CallbackAuthentication.HEADER
    bot.save()

    answer = call(url, b'{"group": "\xff"}', **static_header(secret))

    assert answer.status_code == 400
    assert Callback.objects.get().body == '{"group": "\ufffd"}'


@pytest.mark.parametrize("size", [524_289, 1_000_000])
def test_a_body_that_is_too_large_is_refused(url, secret, door, size):
    answer = door(secret, b"x" * size)

    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
    assert not Callback.objects.exists()


@pytest.mark.parametrize(
    "header", ["Basic", "Basic !!!", "Basic /w==", "Bearer x", "Basic bm9jb2xvbg=="]
)
def test_a_broken_basic_header_is_refused(bot, url, secret, header):
    bot.callback_authentication = CallbackAuthentication.BASIC
    bot.save()

    assert is_refused(call(url, Authorization=header))


SHOWN_ELSEWHERE = [
    (theirs, ours)
    for theirs in CallbackAuthentication
    for ours in CallbackAuthentication
    if theirs != ours
]


@pytest.mark.parametrize(("theirs", "ours"), SHOWN_ELSEWHERE)
def test_the_secret_opens_only_the_way_that_was_chosen(bot, url, secret, theirs, ours):
    bot.callback_authentication = ours
    bot.save()

    assert is_refused(knock(theirs, url, secret=secret))
    assert not Callback.objects.exists()


@pytest.mark.parametrize("query", ["secret=", "secret", "secret=%ff%00", "Secret=x"])
def test_a_broken_query_is_refused(bot, url, secret, query):
    bot.callback_authentication = CallbackAuthentication.URL
    bot.save()

    assert is_refused(call(f"{url}?{query}"))


def test_what_a_stranger_is_told_is_the_same_at_every_door(bot, url, secret):
    told = set()
    for authentication in CallbackAuthentication:
        bot.callback_authentication = authentication
        bot.save()
        answer = knock(authentication, url, secret="whsec_" + "A" * 44)
        told.add((answer.status_code, answer.content, str(answer.headers)))

    assert len(told) == 1


def test_a_signature_of_agent_chat_is_checked_like_any(bot, url, secret):
    bot.chat_system = ChatSystem.AGENT_CHAT
    bot.save()

    assert is_refused(call(url, **signed(secret) | {"webhook_signature": "v1,AAAA"}))
    assert is_refused(call(url))
