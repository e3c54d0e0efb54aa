import json
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from uuid import uuid4

import pytest
from django.db import OperationalError, connection, transaction
from django.db.models import F
from django.utils.timezone import now

from handoff import doorbell, events, lifecycle, relay, services
from handoff.models import Event, Lane, Message, Outgoing
from handoff.relay import due, lanes, leases, recording
from handoff.relay.to_servicenow import open_route
from servicenow_auth.exceptions import NotSent
from tests.relay.conftest import MESSAGES, post, to_servicenow
from tests.relay.conftest import events as told

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db(transaction=True)]


def run_at_once(count: int, function):
    """Run a function in so many threads, which begin together."""
    start = Barrier(count)

    def run(number: int):
        start.wait()
        try:
            return function(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


def test_one_of_many_claims_wins(running):
    post(running, "one")
    lane = to_servicenow(running)

    answers = run_at_once(8, lambda _: leases.claim(lane.pk))

    won = [lease for lease in answers if lease]
    assert len(won) == 1
    lane.refresh_from_db()
    assert lane.fence == won[0].fence


def test_a_lane_is_free_again_when_its_lease_is_over(running):
    post(running, "one")
    lane = to_servicenow(running)
    first = leases.claim(lane.pk)
    assert leases.claim(lane.pk) is None
    Lane.objects.filter(pk=lane.pk).update(lease_until=now() - timedelta(seconds=1))

    second = leases.claim(lane.pk)

    assert second.fence > first.fence
    assert not first.renew()
    assert second.renew()


def test_each_intent_renews_the_lease(running, settings):
    post(running, "one")
    lease = leases.claim(to_servicenow(running).pk)
    Lane.objects.filter(pk=lease.lane.pk).update(
        lease_until=now() - timedelta(seconds=1)
    )
    lease.renewed_at -= settings.LANE_LEASE.total_seconds()
    with open_route(lease.lane) as route:
        assert lanes.advance(lease, route, None)

    left = to_servicenow(running).lease_until - now()
    assert left > settings.REQUEST_DEADLINE
    assert lease.send_before > time.monotonic()


def test_no_send_begins_later_than_a_deadline_after_its_intent(running, settings):
    settings.LANE_LEASE = timedelta(hours=1)
    post(running, "one")

    lease = leases.claim(to_servicenow(running).pk)

    latest = lease.renewed_at + settings.REQUEST_DEADLINE.total_seconds()
    assert lease.send_before <= latest


def test_the_same_message_posted_at_once_is_one_row(running):
    new = services.NewMessage(id="same", text="once")

    answers = run_at_once(
        8,
        lambda _: services.post_message(
            handoff_id=running.pk, bot=running.bot, message=new
        ),
    )

    assert sum(created for _, created in answers) == 1
    assert len({message.id for message, _ in answers}) == 1
    assert Outgoing.objects.filter(kind="message").count() == 1


def test_the_same_handoff_started_at_once_is_one_row(bot):
    request = services.StartRequest(id="h", conversation_id="c-9", message="Help")

    answers = run_at_once(6, lambda _: services.start_handoff(bot=bot, request=request))

    assert sum(answer.created for answer in answers) == 1
    assert len({answer.handoff.pk for answer in answers}) == 1
    assert Outgoing.objects.filter(kind="start").count() == 1


def test_the_feed_is_numbered_without_holes_across_handoffs(running, bot):
    request = services.StartRequest(conversation_id="c-2", message="Help")
    other = services.start_handoff(bot=bot, request=request).handoff

    def tell(number: int) -> None:
        handoff = (running, other)[number % 2]
        for _ in range(5):
            with transaction.atomic():
                locked = lifecycle.lock(handoff.pk)
                events.emit(locked, "message.created", {})

    run_at_once(6, tell)

    numbers = Event.objects.order_by("feed_sequence").values_list("feed_sequence")
    assert [number for (number,) in numbers] == list(range(1, 31))


def test_two_workers_deliver_many_messages_once_and_in_order(http, running):
    http.assert_all_requests_are_fired = False
    seen = []

    def take(request):
        seen.append(json.loads(request.body)["message"])
        return 200, {}, json.dumps({"result": {"sys_id": uuid4().hex}})

    http.add_callback("POST", MESSAGES, callback=take)
    post(running, *(f"text {number}" for number in range(60)))
    lane = to_servicenow(running)

    def work(_):
        for _round in range(3):
            relay.drain(lane.pk)

    run_at_once(2, work)

    assert seen == [f"text {number}" for number in range(60)]
    assert not Outgoing.objects.exclude(state="sent").exists()
    assert told(running).count("message.delivered") == 60


def test_a_message_posted_while_the_lane_empties_is_not_forgotten(http, running):
    """The lane's row is locked by who finds nothing left, and by who adds."""
    post(running, "one")
    lane = to_servicenow(running)
    late = services.NewMessage(id="late", text="late")

    def take(request):
        if json.loads(request.body)["message"] == "one":
            services.post_message(handoff_id=running.pk, bot=running.bot, message=late)
        return 200, {}, json.dumps({"result": {"sys_id": uuid4().hex}})

    http.add_callback("POST", MESSAGES, callback=take)

    relay.drain(lane.pk)

    assert Message.objects.get(client_id="late").parts.get().state == "sent"
    lane.refresh_from_db()
    assert lane.wake_at is None


def test_a_new_item_does_not_end_a_lanes_wait(running):
    post(running, "one")
    later = now() + timedelta(minutes=5)
    Lane.objects.filter(pk=to_servicenow(running).pk).update(wake_at=later)

    post(running, "two")

    assert to_servicenow(running).wake_at == later


def test_the_sweep_rings_for_what_is_due_and_free(running, monkeypatch):
    rung = []
    monkeypatch.setattr(doorbell, "ring", lambda task, *args: rung.append((task, args)))
    post(running, "one")
    lane = to_servicenow(running)
    rung.clear()

    due.sweep()
    assert rung == [("drain_lane", (lane.pk,))]

    leases.claim(lane.pk)
    rung.clear()
    due.sweep()
    assert rung == []


def test_a_dead_broker_costs_a_ring_and_nothing_else(running, settings, monkeypatch):
    def refuse(*args, **kwargs):
        raise OSError("connection refused")

    monkeypatch.setattr("celery.app.base.Celery.send_task", refuse)
    monkeypatch.setattr(doorbell._Breaker, "open_until", 0.0)

    post(running, "one")

    assert Outgoing.objects.filter(state="pending").count() == 1
    assert doorbell._Breaker.open_until > 0
    assert Lane.objects.filter(pk=to_servicenow(running).pk, wake_at=F("wake_at"))


def test_a_record_that_the_database_refuses_is_tried_again(http, running, monkeypatch):
    http.post(MESSAGES, json={"result": {"sys_id": "1" * 32}})
    post(running, "one")
    renewals = []
    renew = leases.Lease.renew

    def refuse_the_second(lease):
        renewals.append(lease)
        if len(renewals) == 2:
            raise OperationalError("deadlock detected")
        return renew(lease)

    monkeypatch.setattr(leases.Lease, "renew", refuse_the_second)

    relay.drain(to_servicenow(running).pk)

    item = Outgoing.objects.get(kind="message")
    assert (item.state, item.attempts, item.sys_id) == ("sent", 1, "1" * 32)
    assert len(http.calls) == 1


def test_a_record_that_was_committed_unnoticed_is_not_made_twice(
    http, running, monkeypatch
):
    """The connection breaks in the COMMIT, after which the next intent stands."""
    for sys_id in ("1" * 32, "2" * 32):
        http.post(MESSAGES, json={"result": {"sys_id": sys_id}})
    post(running, "one", "two")
    calls = []
    advance = lanes.advance

    def break_after_the_second(*args, **again):
        item = advance(*args, **again)
        calls.append(item)
        if len(calls) == 2:
            raise OperationalError("server closed the connection")
        return item

    monkeypatch.setattr(lanes, "advance", break_after_the_second)

    relay.drain(to_servicenow(running).pk)

    items = Outgoing.objects.filter(kind="message").order_by("sequence")
    assert [(item.state, item.attempts) for item in items] == [("sent", 1)] * 2
    assert told(running) == ["message.delivered"] * 2


def test_a_lane_handed_back_is_due_by_the_databases_clock(running, monkeypatch):
    ahead = lambda: now() + timedelta(minutes=10)  # noqa: E731 - stands in for now
    monkeypatch.setattr(lanes, "now", ahead)
    post(running, "one")
    lease = leases.claim(to_servicenow(running).pk)
    with open_route(lease.lane) as route:
        item = lanes.advance(lease, route, None)
        error = NotSent("Not sent: no connection could be made.")
        done = recording.Done(result=None, error=error, started_at=now())
        lanes.advance(lease, route, recording.Step(item, done, more=True))

    assert to_servicenow(running).wake_at < now() + timedelta(minutes=6)
