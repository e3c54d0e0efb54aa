import json
from datetime import timedelta

import pytest
import requests
import responses
from django.db.models import F
from django.utils.timezone import now

from handoff import relay, services
from handoff.models import Attempt, Lane, Outgoing
from servicenow_auth.models import ConnectionRuntime, State
from tests.relay.agent_chat import ACCEPTED, call_back, drain
from tests.relay.conftest import (
    ENVELOPE,
    LEAVE,
    MESSAGES,
    VIRTUAL_AGENT,
    bodies,
    events,
    let_go,
    post,
    states,
    to_servicenow,
)

pytestmark = pytest.mark.django_db

HIBERNATING = "<html><title>Instance Hibernating page</title></html>"


def test_messages_go_in_order_and_each_is_told_delivered(http, running):
    post(running, "one", "two", "three")
    for number in (1, 2, 3):
        http.post(MESSAGES, json={"result": {"sys_id": f"{number}" * 32}})

    relay.drain(to_servicenow(running).pk)

    assert bodies(http) == ["one", "two", "three"]
    assert states(running)[1:] == ["sent", "sent", "sent"]
    assert events(running) == ["message.delivered"] * 3


def test_a_long_message_is_cut_between_graphemes_and_delivered_once(http, running):
    family = "👨‍👩‍👧"
    text = "x" * 3_898 + family + "end"
    post(running, text)
    http.post(MESSAGES, json={"result": {"sys_id": "1" * 32}})
    http.post(MESSAGES, json={"result": {"sys_id": "2" * 32}})

    relay.drain(to_servicenow(running).pk)

    assert bodies(http) == ["x" * 3_898, family + "end"]
    assert events(running) == ["message.delivered"]


@pytest.mark.parametrize(
    ("answer", "state", "outcome"),
    [
        ({"body": requests.ConnectTimeout()}, "pending", "NotSent"),
        ({"status": 429, "json": ENVELOPE}, "pending", "Throttled"),
        ({"status": 401, "json": ENVELOPE}, "pending", "Unauthorized"),
        ({"status": 400, "json": ENVELOPE}, "failed", "Rejected"),
        ({"status": 403, "json": {"result": "closed"}}, "failed", "Rejected"),
        ({"status": 500, "json": ENVELOPE}, "sending", "Ambiguous"),
        ({"status": 503, "body": "<html>"}, "sending", "Ambiguous"),
        ({"status": 202, "json": {"result": {}}}, "sending", "Ambiguous"),
        ({"status": 200, "body": HIBERNATING}, "sending", "Ambiguous"),
        ({"status": 200, "body": '{"result": {"sys'}, "sending", "Ambiguous"),
    ],
)
def test_each_outcome_leaves_its_item_where_it_belongs(
    http, running, answer, state, outcome
):
    post(running, "one")
    http.post(MESSAGES, **answer)

    relay.drain(to_servicenow(running).pk)

    assert states(running)[1:] == [state]
    assert Attempt.objects.get().outcome == outcome
    lane = to_servicenow(running)
    assert lane.lease_until is None
    assert (lane.wake_at is None) == (state == "failed")


def test_what_cannot_be_looked_up_is_not_sent_again_and_waits_longer_each_time(
    http, chat
):
    call_back(chat, ACCEPTED)
    post(chat, "one", "two")
    http.replace(responses.POST, VIRTUAL_AGENT, status=502, body="<html>")
    drain(chat)
    long_ago = now() - timedelta(minutes=2)
    Outgoing.objects.filter(state="sending").update(attempt_started_at=long_ago)

    drain(chat)

    lane = to_servicenow(chat)
    assert len(http.calls) == 2
    assert states(chat)[1:] == ["sending", "pending"]
    assert lane.stalled_reason == "ambiguous"
    assert lane.wake_at > now() + timedelta(seconds=100)


def test_an_intent_of_a_dead_worker_is_ambiguous_and_visible(chat):
    call_back(chat, ACCEPTED)
    post(chat, "one")
    item = Outgoing.objects.filter(lane__handoff=chat).last()
    Outgoing.objects.filter(pk=item.pk).update(
        state="sending", attempts=1, attempt_started_at=now()
    )

    drain(chat)

    item.refresh_from_db()
    assert item.is_ambiguous
    assert "worker stopped" in item.last_error


def test_a_refused_message_is_told_and_the_next_one_goes(http, running):
    post(running, "bad", "good")
    http.post(MESSAGES, status=400, json=ENVELOPE)
    http.post(MESSAGES, json={"result": {"sys_id": "2" * 32}})

    relay.drain(to_servicenow(running).pk)

    assert events(running) == ["message.failed", "message.delivered"]
    assert states(running)[1:] == ["failed", "sent"]


def test_a_throttled_connection_is_left_alone_until_told(http, running):
    post(running, "one")
    http.post(MESSAGES, status=429, json=ENVELOPE, headers={"Retry-After": "90"})
    relay.drain(to_servicenow(running).pk)
    Lane.objects.filter(handoff=running).update(wake_at=now() - timedelta(seconds=1))

    relay.drain(to_servicenow(running).pk)

    assert len(http.calls) == 1
    lane = to_servicenow(running)
    assert lane.stalled_reason == "throttled"
    assert timedelta(seconds=80) < lane.wake_at - now() < timedelta(seconds=91)


@pytest.mark.parametrize("held", ["state", "paused_until"])
def test_what_is_held_for_a_day_is_told_of(running, settings, held):
    post(running, "one", "two")
    day = settings.MAX_AGE + timedelta(minutes=1)
    Outgoing.objects.filter(text="one").update(created_at=now() - day)
    reasons = {
        "state": State.NEEDS_REAUTHORIZATION,
        "paused_until": now() + timedelta(minutes=1),
    }
    ConnectionRuntime.objects.update(**{held: reasons[held]})

    relay.drain(to_servicenow(running).pk)

    assert states(running)[1:] == ["failed", "pending"]
    assert events(running)[-1] == "message.failed"


def test_without_authorization_lanes_wait_and_resume_by_themselves(
    http, running, django_capture_on_commit_callbacks
):
    runtime = ConnectionRuntime.objects.filter(connection=running.bot.connection)
    runtime.update(state=State.NEEDS_REAUTHORIZATION)
    post(running, "one")
    relay.drain(to_servicenow(running).pk)
    assert to_servicenow(running).stalled_reason == "authorization_required"

    runtime.update(state=State.READY)
    with django_capture_on_commit_callbacks(execute=True):
        services.resume_lanes(connection=running.bot.connection)
    http.post(MESSAGES, json={"result": {"sys_id": "1" * 32}})
    relay.drain(to_servicenow(running).pk)

    assert states(running)[1:] == ["sent"]


def test_ending_is_final_at_once_and_servicenow_is_told_after_the_messages(
    http, running
):
    post(running, "bye")
    services.end_handoff(handoff_id=running.pk, bot=running.bot)
    http.post(MESSAGES, json={"result": {"sys_id": "1" * 32}})
    let_go(http)

    relay.drain(to_servicenow(running).pk)

    running.refresh_from_db()
    assert (running.state, running.reason) == ("failed", "bot_ended")
    assert events(running) == ["handoff.failed"]
    paths = [call.request.url.partition("?")[0] for call in http.calls]
    assert paths == [MESSAGES, MESSAGES, LEAVE]
    assert [call.request.method for call in http.calls] == ["POST", "GET", "POST"]


def test_a_long_outage_costs_no_attempts_and_only_a_day_ends_it(http, running):
    post(running, "one")
    for _ in range(30):
        http.post(MESSAGES, body=requests.ConnectTimeout())
        relay.drain(to_servicenow(running).pk)
        past = now() - timedelta(seconds=1)
        Lane.objects.update(wake_at=past)
        ConnectionRuntime.objects.update(paused_until=past)
    item = Outgoing.objects.get(kind="message")
    assert (item.state, item.attempts) == ("pending", 0)
    Outgoing.objects.update(created_at=now() - timedelta(hours=25))

    relay.drain(to_servicenow(running).pk)

    assert states(running)[1:] == ["failed"]
    assert events(running) == ["message.failed"]


def test_an_item_is_given_up_after_its_attempts(running):
    post(running, "one")
    Outgoing.objects.filter(state="pending").update(attempts=20)

    relay.drain(to_servicenow(running).pk)

    assert states(running)[1:] == ["failed"]
    assert events(running) == ["message.failed"]


def test_a_result_of_a_lost_lane_is_not_recorded(http, running):
    post(running, "one")
    lane = to_servicenow(running)

    def steal(request):
        Lane.objects.filter(pk=lane.pk).update(fence=F("fence") + 1)
        return 200, {}, json.dumps({"result": {"sys_id": "1" * 32}})

    http.add_callback("POST", MESSAGES, callback=steal)

    relay.drain(lane.pk)

    assert states(running)[1:] == ["sending"]
