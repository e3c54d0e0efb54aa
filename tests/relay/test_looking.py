from datetime import timedelta

import pytest
from django.utils.timezone import now

from handoff.models import Event, Handoff
from handoff.relay import looking, watching
from tests.relay.conftest import (
    AGENT,
    GROUP,
    HOST,
    MESSAGES,
    STATE,
    entry,
    events,
    message,
)

pytestmark = pytest.mark.django_db
PROFILE = f"{HOST}/api/now/live/profiles/sys_user.{AGENT}"


def look(handoff: Handoff) -> Handoff:
    looking.look(handoff.pk)
    handoff.refresh_from_db()
    return handoff


def test_a_look_tells_position_and_wait(http, running):
    waiting = entry(1, position=3, average_wait_time="2 Minutes 5 Seconds")
    http.get(STATE, json={"result": [waiting]})

    look(running)

    event = Event.objects.get(type="handoff.wait_time.updated")
    assert event.payload["data"]["position"] == 3
    assert event.payload["data"]["wait_seconds"] == 125
    assert http.calls[0].request.params == {"group_id": GROUP}


def test_a_look_finds_the_agent_and_asks_for_the_name_once(http, running):
    accepted = {"result": [entry(2, assigned_to=AGENT)]}
    http.get(STATE, json=accepted)
    http.get(PROFILE, json={"result": {"name": "Beth Anglin", "avatar": "b.iix"}})
    look(running)
    Handoff.objects.update(poll_at=now() - timedelta(seconds=1))
    http.get(STATE, json=accepted)

    look(running)

    event = Event.objects.get()
    assert event.type == "handoff.accepted"
    assert event.payload["data"]["agent"]["name"] == "Beth Anglin"
    assert running.agent_avatar_url == "b.iix"


def test_a_look_is_taken_by_one_worker(http, running):
    http.get(STATE, json={"result": [entry(1)]})

    look(running)
    look(running)

    assert len(http.calls) == 1


def test_the_end_is_announced_after_the_messages_before_it(http, running):
    Handoff.objects.update(state="accepted", agent_id=AGENT)
    http.get(STATE, json={"result": [entry(3, assigned_to=AGENT)]})
    look(running)
    http.get(
        MESSAGES,
        json={
            "result": [
                message("2" * 32, "Bye", timestamp=1_790_000_002_000),
                message("1" * 32, "Done", timestamp=1_790_000_001_000),
                message("3" * 32, "mine", created_by="chatbot.interface"),
            ]
        },
    )

    look(running)

    assert events(running) == ["message.created", "message.created", "handoff.ended"]
    told = [event.payload["data"] for event in Event.objects.order_by("sequence")]
    assert [data["text"] for data in told[:2]] == ["Done", "Bye"]
    assert [data["recovered"] for data in told[:2]] == [True, True]
    assert told[2]["messages_complete"] is True
    assert (running.state, running.reason, running.ended_by) == (
        "ended",
        "completed",
        "agent",
    )
    assert running.poll_at is None


def test_an_end_that_cannot_be_read_is_announced_marked(http, running):
    Handoff.objects.update(
        state="accepted",
        pending_end={"reason": "completed", "ended_by": "agent"},
        pending_end_at=now(),
    )
    http.get(MESSAGES, status=403, json={"result": "restricted"})
    assert look(running).state == "accepted"
    Handoff.objects.update(poll_at=now(), pending_end_at=now() - timedelta(seconds=61))
    http.get(MESSAGES, status=403, json={"result": "restricted"})

    look(running)

    final = Event.objects.get(type="handoff.ended")
    assert final.payload["data"]["messages_complete"] is False


def test_an_agent_who_closes_without_accepting_rejects(http, running):
    http.get(STATE, json={"result": [entry(3)]})
    look(running)
    http.get(MESSAGES, json={"result": []})

    look(running)

    assert (running.state, running.reason) == ("failed", "rejected")


def test_an_escalation_goes_on_in_the_other_queue(http, running):
    moved = entry(1, sys_id="9" * 32, queue="8" * 32)
    http.get(STATE, json={"result": [entry(4), moved]})

    look(running)

    assert events(running) == ["handoff.transferred"]
    assert running.queue_id == "8" * 32


def test_a_wait_that_takes_too_long_ends(running):
    Handoff.objects.update(created_at=now() - timedelta(minutes=31))

    watching.watch()

    running.refresh_from_db()
    assert (running.state, running.reason) == ("failed", "wait_timeout")
    assert events(running) == ["handoff.failed"]


def test_an_idle_chat_is_warned_once_and_then_ended(running):
    Handoff.objects.update(state="accepted", accepted_at=now() - timedelta(minutes=29))
    running.messages.update(created_at=now() - timedelta(minutes=29))
    watching.watch()
    watching.watch()
    assert events(running) == ["handoff.idle_warning"]
    Handoff.objects.update(accepted_at=now() - timedelta(minutes=31))
    running.messages.update(created_at=now() - timedelta(minutes=31))

    watching.watch()

    running.refresh_from_db()
    assert (running.state, running.reason) == ("ended", "idle_timeout")
    assert events(running) == ["handoff.idle_warning", "handoff.ended"]
