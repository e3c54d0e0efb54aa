import json
from datetime import timedelta

import pytest
from django.utils.timezone import now

from handoff import doorbell, services
from handoff.models import Event, Handoff
from handoff.relay import looking, watching
from servicenow_auth import pauses
from servicenow_auth.exceptions import Throttled
from servicenow_auth.models import ConnectionRuntime
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
    assert running.agent_avatar_url == f"{HOST}/b.iix"


def test_a_look_is_taken_by_one_worker(http, running):
    http.get(STATE, json={"result": [entry(1)]})

    look(running)
    look(running)

    assert len(http.calls) == 1


def test_the_end_is_announced_after_the_messages_before_it(http, running):
    Handoff.objects.update(state="accepted", agent_id=AGENT)
    http.get(STATE, json={"result": [entry(3, assigned_to=AGENT)]})
    http.get(PROFILE, json={"result": {"name": "Beth Anglin"}})
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
    Handoff.objects.update(
        poll_at=now() - timedelta(seconds=1),
        pending_end_at=now() - timedelta(seconds=61),
    )
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


def test_an_agent_who_accepted_and_closed_unseen_did_not_reject(http, running):
    http.get(STATE, json={"result": [entry(3, assigned_to=AGENT)]})
    http.get(PROFILE, json={"result": {"name": "Beth Anglin"}})
    look(running)
    Handoff.objects.update(poll_at=now() - timedelta(seconds=1))
    http.get(MESSAGES, json={"result": [message("1" * 32, "Solved")]})

    look(running)

    assert events(running) == ["handoff.accepted", "message.created", "handoff.ended"]
    assert running.reason == "completed"


def test_a_profile_that_cannot_be_read_hides_nothing(http, running):
    http.get(STATE, json={"result": [entry(2, assigned_to=AGENT)]})
    http.get(PROFILE, body="<html>log in</html>")

    look(running)

    assert events(running) == ["handoff.accepted"]


def test_a_throttled_look_pauses_the_connection_for_all(http, running):
    http.get(STATE, status=429, headers={"Retry-After": "600"})
    look(running)
    Handoff.objects.update(poll_at=now() - timedelta(seconds=1))

    look(running)

    assert len(http.calls) == 1
    runtime = ConnectionRuntime.objects.get()
    assert abs(running.poll_at - runtime.paused_until) < timedelta(seconds=1)
    assert running.poll_at > now() + timedelta(minutes=9)


def test_a_conversation_that_is_gone_ends_the_handoff(http, running):
    Handoff.objects.update(state="accepted", accepted_at=now())
    unknown = {"error": {"message": "No Record found", "detail": None}}
    http.get(STATE, status=404, json=unknown)
    http.get(MESSAGES, status=404, json=unknown)
    look(running)
    Handoff.objects.update(
        poll_at=now() - timedelta(seconds=1),
        pending_end_at=now() - timedelta(minutes=2),
    )

    look(running)

    assert (running.state, running.reason) == ("ended", "conversation_gone")


def test_a_pause_puts_no_end_off_for_longer_than_a_minute(running):
    Handoff.objects.update(
        state="accepted",
        pending_end={"reason": "completed", "ended_by": "agent"},
        pending_end_at=now() - timedelta(seconds=61),
    )
    told = Throttled("429", retry_after=600)
    pauses.throttle(running.bot.connection_id, told, first=False)

    look(running)

    final = Event.objects.get(type="handoff.ended")
    assert final.payload["data"]["messages_complete"] is False


def test_a_404_that_only_hides_the_entry_ends_nothing(http, running):
    http.get(STATE, status=404, json={"error": {"message": "No Record found"}})
    http.get(MESSAGES, json={"result": []})

    assert look(running).pending_end is None


def test_what_is_wanted_while_we_look_is_not_forgotten(http, running):
    """Another broken callback comes between the read and the record of it."""
    Handoff.objects.update(must_read=True)
    http.get(STATE, json={"result": [entry(1)]})

    def answer(request):
        Handoff.objects.update(must_read=True, poll_at=now() - timedelta(seconds=1))
        return 200, {}, json.dumps({"result": []})

    http.add_callback("GET", MESSAGES, callback=answer)

    assert look(running).must_read


def test_an_end_that_comes_during_a_read_waits_for_the_next_one(http, running):
    def end_meanwhile(request):
        end = {"reason": "completed", "ended_by": "agent"}
        Handoff.objects.update(
            pending_end=end, pending_end_at=now(), poll_at=now() - timedelta(seconds=1)
        )
        return 200, {}, json.dumps({"result": []})

    Handoff.objects.update(must_read=True)
    http.get(STATE, json={"result": [entry(1)]})
    http.add_callback("GET", MESSAGES, end_meanwhile)

    look(running)

    assert not running.is_final
    assert running.poll_at <= now()


def test_a_sweep_rings_a_few_times_for_each_bot(running, monkeypatch):
    rung = []
    monkeypatch.setattr(doorbell, "ring", lambda task, *args: rung.append(args))
    for number in range(20):
        request = services.StartRequest(conversation_id=f"n{number}", message="Hi")
        services.start_handoff(bot=running.bot, request=request)
    Handoff.objects.update(poll_at=now() - timedelta(seconds=1))

    looking.sweep()

    assert len(rung) == looking.LOOKS_PER_BOT


def test_a_long_conversation_is_read_in_few_statements(
    http, running, django_assert_max_num_queries
):
    Handoff.objects.update(
        state="accepted",
        pending_end={"reason": "completed", "ended_by": "agent"},
        pending_end_at=now(),
    )
    rows = [message(f"{n:032d}", "known", timestamp=1000 + n) for n in range(29)]
    for row in rows:
        running.messages.create(role="agent", sys_id=row["sys_id"], text="known")
    http.get(MESSAGES, json={"result": rows})

    with django_assert_max_num_queries(25):
        look(running)
