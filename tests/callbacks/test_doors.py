"""Each way of proving to be ServiceNow, put to the same tests."""

import base64
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils.timezone import now

from handoff import services
from handoff.models import Bot, Callback, SigningSecret
from handoff.models.bot import CallbackAuthentication
from tests.api.bots import make_bot
from tests.callbacks.conftest import MESSAGE, call, new_secret, signed

pytestmark = pytest.mark.both_databases

Sign = Callable[..., dict[str, str]]


def static_header(secret: str, body: Any = MESSAGE) -> dict[str, str]:
    return {"X_Handoff_Secret": secret}


def basic(secret: str, body: Any = MESSAGE) -> dict[str, str]:
    pair = base64.b64encode(f"servicenow:{secret}".encode()).decode()
    return {"Authorization": f"Basic {pair}"}


DOORS = {
    CallbackAuthentication.SIGNATURE: signed,
    CallbackAuthentication.HEADER: static_header,
    CallbackAuthentication.BASIC: basic,
}


@pytest.fixture(params=DOORS)
def door(request, bot: Bot) -> Sign:
    bot.callback_authentication = request.param
    bot.save()
    return DOORS[request.param]


def is_refused(answer):
    return answer.status_code == 401 and answer.json()["code"] == "unauthorized"


def test_the_secret_opens(bot, url, secret, door):
    answer = call(url, **door(secret))

    assert answer.status_code == 202
    assert answer.json() == {"stored": True}
    stored = Callback.objects.get()
    assert (stored.bot, stored.group_id) == (bot, MESSAGE["group"])
    assert stored.authenticated_by == bot.callback_authentication


def test_no_secret_is_refused(url, secret, door):
    assert is_refused(call(url))
    assert not Callback.objects.exists()


def test_a_wrong_secret_is_refused(url, secret, door):
    assert is_refused(call(url, **door(SigningSecret.generate().reveal())))
    assert not Callback.objects.exists()


def test_another_bots_secret_is_refused(url, secret, door):
    assert is_refused(call(url, **door(new_secret(make_bot("Rival")))))


def test_the_webhooks_secret_is_refused(bot, url, secret, door):
    ours = services.new_signing_secret(bot=bot, purpose=SigningSecret.Purpose.WEBHOOK)

    assert is_refused(call(url, **door(ours.reveal())))


def test_a_bot_without_a_secret_refuses(url, door):
    assert is_refused(call(url, **door("whsec_" + "A" * 44)))


def test_old_and_new_secret_open_during_a_rotation(bot, url, secret, door):
    new = new_secret(bot)

    assert call(url, **door(secret)).status_code == 202
    assert call(url, **door(new)).status_code == 202


def test_the_old_secret_is_refused_after_the_rotation(bot, url, secret, door):
    new = new_secret(bot)
    bot.signing_secrets.exclude(expires_at=None).update(
        expires_at=now() - timedelta(seconds=1)
    )

    assert is_refused(call(url, **door(secret)))
    assert call(url, **door(new)).status_code == 202


def test_a_broken_body_is_kept_and_refused(url, secret, door):
    body = b'{"group": "g", "text": "he said "no" to me"}'

    answer = call(url, body, **door(secret, body))

    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_body")
    stored = Callback.objects.get()
    assert (stored.state, stored.body) == ("broken", body.decode())


@pytest.mark.parametrize("body", [{"kind": "surprise"}, {}, [], "text", None, 7])
def test_an_unknown_kind_is_kept_without_complaint(url, secret, door, body):
    assert call(url, body, **door(secret, body)).status_code == 202
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
    answer = call(url, body, **door(secret, body))

    assert (answer.status_code, answer.json()["code"]) == (400, "malformed_body")
    assert "\0" not in Callback.objects.get().body


def test_bytes_that_are_no_text_are_kept(bot, url, secret):
    bot.callback_authentication = CallbackAuthentication.HEADER
    bot.save()

    answer = call(url, b'{"group": "\xff"}', **static_header(secret))

    assert answer.status_code == 400
    assert Callback.objects.get().body == '{"group": "\ufffd"}'


@pytest.mark.parametrize("size", [65_537, 300_000])
def test_a_body_that_is_too_large_is_refused(url, secret, door, size):
    answer = call(url, b"x" * size, **door(secret))

    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
    assert not Callback.objects.exists()


@pytest.mark.parametrize(
    "header", ["Basic", "Basic !!!", "Basic /w==", "Bearer x", "Basic bm9jb2xvbg=="]
)
def test_a_broken_basic_header_is_refused(bot, url, secret, header):
    bot.callback_authentication = CallbackAuthentication.BASIC
    bot.save()

    assert is_refused(call(url, Authorization=header))
