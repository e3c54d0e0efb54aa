"""One thing that cannot be taken in must not hold up all that comes after it."""

import json
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from handoff import relay, services
from handoff.models import Callback, Event, Handoff, Outgoing, SigningSecret
from handoff.relay import inbox, looking
from handoff.services import NewMessage
from servicenow_auth import states
from servicenow_auth.fields import Ciphertext
from servicenow_auth.models import ConnectionRuntime
from servicenow_auth.status import status_line
from tests.relay.conftest import (
    AGENT,
    GROUP,
    MESSAGES,
    SESSIONS,
    STATE,
    entry,
    message,
    to_servicenow,
)

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]

LONG = "x" * 5_000
FIVE_KEYS = {
    "group": GROUP,
    "formatted_message": "Hello",
    "sys_created_by": "beth",
    "last_message": "",
    "sys_id": "e" * 32,
}
# How to make the database itself refuse one message.
REFUSE = {
    "postgresql": [
        "SET CONSTRAINTS ALL IMMEDIATE",
        "ALTER TABLE handoff_message ADD CHECK (sys_id <> 'bad')",
    ],
    "sqlite": [
        "CREATE TEMP TRIGGER bad BEFORE INSERT ON handoff_message"
        " WHEN NEW.sys_id = 'bad' BEGIN SELECT RAISE(ABORT, 'no'); END"
    ],
}
POISONS: dict[str, dict[str, Any]] = {
    "sys_id too long": FIVE_KEYS | {"sys_id": LONG},
    "author too long": FIVE_KEYS | {"sys_created_by": LONG},
    "event of another type": FIVE_KEYS | {"event": ["message"]},
    "sys_id an object": FIVE_KEYS | {"event": "message", "sys_id": {"value": {}}},
    "names too long": FIVE_KEYS | {"event": "message", "sender_name": LONG},
    "time out of range": FIVE_KEYS | {"event": "message", "timestamp": 10**15 - 1},
    "a state, all too long": {
        "event": "state",
        "group": GROUP,
        "state": "2",
        **dict.fromkeys(["sys_id", "number", "queue", "assigned_to"], LONG),
        "assigned_to_name": LONG,
    },
    "waits for ever": {
        "event": "state",
        "group": GROUP,
        "state": 1,
        "position": "999999999999",
        "average_wait_time": "999999 days 999999 days",
    },
}


def receive(handoff: Handoff, *bodies: dict[str, Any]) -> None:
    for body in bodies:
        services.receive_callback(
            bot=handoff.bot,
            body=json.dumps(body).encode(),
            authenticated_by="signature",
            delivery_id=None,
        )
    inbox.process(bot_id=handoff.bot_id, group_id=GROUP)


def texts() -> list[str]:
    created = Event.objects.filter(type="message.created").order_by("sequence")
    return [event.payload["data"]["text"] for event in created]


@pytest.mark.parametrize("poison", POISONS.values(), ids=POISONS)
def test_a_poisoned_callback_lets_the_next_one_through(running, poison):
    later = FIVE_KEYS | {"sys_id": "f" * 32, "formatted_message": "later"}

    receive(running, poison, later)

    assert texts()[-1] == "later"
    assert not Callback.objects.filter(state=Callback.State.STORED).exists()


def test_a_callback_that_the_database_refuses_lets_the_next_one_through(running):
    with connection.cursor() as cursor:
        for statement in REFUSE[connection.vendor]:
            cursor.execute(statement)
    later = FIVE_KEYS | {"formatted_message": "later"}
    receive(running, FIVE_KEYS | {"sys_id": "bad"}, later)

    assert texts() == ["later"]
    notes = list(Callback.objects.order_by("pk").values_list("note", flat=True))
    assert notes == ["refused by the database", ""]


def test_a_read_of_unstorable_text_still_announces_the_end(running, http):
    http.get(STATE, json={"result": [entry(3)]})
    http.get(MESSAGES, json={"result": [message("e" * 32, "a\0b \ud800 c")]})

    looking.look(running.pk)  # sees the end
    looking.look(running.pk)  # reads what was said before it

    assert texts() == ["a\ufffdb \ufffd c"]
    running.refresh_from_db()
    assert running.state == "failed"


def test_an_agent_of_oversized_names_is_accepted(running, http):
    profile = STATE.replace(
        "connect/support/sessions", f"live/profiles/sys_user.{AGENT}"
    )
    http.get(STATE, json={"result": [entry(2, assigned_to=AGENT, number=LONG)]})
    http.get(profile, json={"result": {"name": LONG, "avatar": f"javascript:{LONG}"}})

    looking.look(running.pk)

    running.refresh_from_db()
    assert running.state == "accepted"
    assert running.agent == {"name": LONG[:200], "avatar_url": None}


def test_a_start_refused_at_length_fails_and_gives_up_what_waits_behind_it(
    handoff, http
):
    new = NewMessage(id="m-1", text="Are you there?")
    services.post_message(handoff_id=handoff.pk, bot=handoff.bot, message=new)
    http.post(SESSIONS, status=403, json={"error": {"message": "no " * 500}})

    relay.drain(to_servicenow(handoff).pk)

    handoff.refresh_from_db()
    assert (handoff.state, handoff.reason) == ("failed", "queue_closed")
    assert {item.state for item in Outgoing.objects.all()} == {"failed"}


def test_a_start_answered_with_oversized_ids_blocks_nothing(handoff, http):
    http.post(SESSIONS, json={"result": entry(1, sys_id=LONG, number=LONG)})

    relay.drain(to_servicenow(handoff).pk)

    handoff.refresh_from_db()
    assert (handoff.state, handoff.group_id) == ("queued", GROUP)


def test_an_oversized_throttle_is_an_hour_at_most(handoff, http):
    http.post(SESSIONS, status=429, headers={"X-RateLimit-Reset": "9" * 5_000})

    relay.drain(to_servicenow(handoff).pk)

    item = Outgoing.objects.get(lane__handoff=handoff)
    assert (item.state, item.attempts) == ("pending", 0)


def test_a_clock_out_of_range_does_not_end_a_worker(handoff, http):
    date = "Mon, 01 Jan 99999999999999999999 00:00:00 GMT"
    http.post(SESSIONS, json={"result": entry(1)}, headers={"Date": date})

    relay.drain(to_servicenow(handoff).pk)

    assert Outgoing.objects.get(lane__handoff=handoff).state == "sent"


def test_a_signing_secret_that_cannot_be_opened_pauses_the_webhook(bot, handoff):
    bot.webhook_url = "https://bot.example.org/webhook"
    bot.save()
    purpose = SigningSecret.Purpose.WEBHOOK
    services.new_signing_secret(bot=bot, purpose=purpose)
    broken = Ciphertext("v1:00000000:gone")
    SigningSecret.objects.filter(purpose=purpose).update(value=broken)
    services.end_handoff(handoff_id=handoff.pk, bot=bot)
    event = Event.objects.get()

    relay.drain(event.lane_id)

    event.refresh_from_db()
    bot.runtime.refresh_from_db()
    assert (event.state, event.attempts) == ("sending", 0)
    assert "sealed with an unknown key" in bot.runtime.webhook_error


def test_a_callback_is_told_to_come_again_while_its_secret_cannot_be_opened(bot):
    purpose = SigningSecret.Purpose.CALLBACK
    services.new_signing_secret(bot=bot, purpose=purpose)
    broken = Ciphertext("v1:00000000:gone")
    SigningSecret.objects.filter(purpose=purpose).update(value=broken)

    answer = Client(raise_request_exception=False).post(
        f"/servicenow/callback/{bot.callback_id}/",
        headers={"webhook-id": "m", "webhook-signature": "v1,"},
    )

    assert answer.status_code == 503
    assert answer.json()["code"] == "unavailable"


def test_a_long_reason_for_a_person_to_act_is_kept_short(running):
    states.need_reauthorization(pk=running.bot.connection_id, detail=LONG)

    runtime = ConnectionRuntime.objects.get()
    assert status_line(runtime).text.endswith("x" * 300)
