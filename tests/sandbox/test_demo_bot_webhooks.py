"""What the demo bot makes of webhooks: repeated, overtaken, forged, not for it."""

import json
import uuid

import pytest
import requests

from tests.sandbox.demo_bot import signed

pytestmark = pytest.mark.real_http


def test_events_that_overtook_one_another_are_shown_in_order(bot, user, agent):
    agent.accept()
    first, second, third = (agent.message(text) for text in ("one", "two", "three"))
    for late in (third, first, second):
        bot.notify(late)

    assert user.sees("agent") == ["one", "two", "three"]


def test_an_overtaken_event_does_not_turn_the_state_back(bot, user, agent):
    late = agent.event("handoff.queued", state="queued", position=1, text=None)
    agent.accept()
    bot.notify(late)

    assert user.chat().status == "Ada Lovelace"


def test_a_repeated_webhook_is_shown_once(bot, user, agent):
    event = agent.message("once")
    answers = [bot.notify(event, webhook_id="evt_1").status_code for _ in range(2)]

    assert answers == [204, 204]
    assert user.sees("agent") == ["once"]


def test_an_unknown_event_is_taken_and_ignored(bot, user, agent):
    before = user.sees("system")

    assert bot.notify(agent.event("handoff_v2.sung", text="la")).status_code == 204
    assert bot.notify({"type": "webhook.disabled"}).status_code == 204
    assert user.sees("system") == before


@pytest.mark.parametrize("event", [[], {}, {"type": "x", "sequence": "one"}])
def test_a_signed_body_that_is_no_event_is_named(bot, event):
    answer = bot.notify(event)

    assert (answer.status_code, answer.json()["code"]) == (400, "malformed")


@pytest.mark.parametrize(
    "change",
    [
        {"webhook-signature": "v1,AAAA"},
        {"webhook-signature": "v1,not base64"},
        {"webhook-signature": "v1"},
        {"webhook-id": "another"},
        {"webhook-timestamp": "1"},
        {"webhook-timestamp": "now"},
    ],
)
def test_a_webhook_with_a_wrong_signature_is_refused(bot, user, agent, change):
    body = json.dumps(agent.message("forged"))
    headers = signed(body, webhook_id="evt_forged") | change
    answer = requests.post(f"{bot.url}/webhook", body, headers=headers, timeout=5)

    assert answer.status_code == 401
    assert user.sees("agent") == []


@pytest.mark.parametrize("body", [b"\xff\xfe", b"{}", b""])
def test_a_webhook_without_a_signature_is_refused(bot, body):
    assert requests.post(f"{bot.url}/webhook", body, timeout=5).status_code == 401


def test_a_delivery_is_shown_at_the_message(bot, user, agent):
    own_ids = [str(uuid.uuid4()) for _ in range(2)]
    for own_id in own_ids:
        user.say("hello?", id=own_id)
    agent.tell("message.delivered", message_id="m1", id=own_ids[0])
    agent.tell("message.failed", message_id="m2", id=own_ids[1], reason="rejected")

    assert user.sees("user", "delivery")[1:] == ["Delivered", "Not delivered"]
