"""Messages in a row: each is recorded alone, and the bot told of several at once."""

from datetime import timedelta

import pytest
from django.db import OperationalError
from django.utils.timezone import now

from handoff import relay, services
from handoff.failpoints import Point
from handoff.models import Event, Lane, Outgoing
from handoff.relay import lanes, leases, owing
from handoff.relay.to_servicenow import open_route
from tests.faults.traps import Killed, die, trap
from tests.relay.conftest import MESSAGES, bodies, post, to_servicenow
from tests.relay.conftest import events as told
from tests.statements import run

pytestmark = pytest.mark.both_databases

SAID = [f"line {number}" for number in range(20)]


@pytest.fixture
def answers(http):
    """Let ServiceNow take whatever is posted."""
    http.post(MESSAGES, json={"result": {"group": "c" * 32}})


def told_of(handoff) -> list[str]:
    delivered = Event.objects.filter(handoff=handoff, type="message.delivered")
    return [event.payload["data"]["id"] for event in delivered.order_by("sequence")]


def test_a_drain_of_twenty_takes_five_statements_for_each(running, answers):
    post(running, *SAID)

    _, statements = run(lambda: relay.drain(to_servicenow(running).pk))

    assert told_of(running) == [f"m-{text}" for text in SAID]
    assert len(statements) <= 5 * len(SAID) + 10, statements


def test_one_message_takes_seventeen(running, answers):
    post(running, "one")
    lane = to_servicenow(running)

    _, statements = run(lambda: relay.drain(lane.pk))

    assert told(running) == ["message.delivered"]
    assert len(statements) == 17, statements


def test_the_bot_is_told_in_between_when_a_row_takes_long(
    running, answers, monkeypatch
):
    monkeypatch.setattr(owing, "PAY_AFTER", 0.0)
    post(running, *SAID[:3])
    seen = []

    with trap(Point.AFTER_RECORD, lambda: seen.append(len(told_of(running)))):
        relay.drain(to_servicenow(running).pk)

    assert seen == [1, 2, 3]


def test_who_follows_a_worker_that_died_owing_tells_the_bot(running, answers):
    post(running, *SAID[:3])
    lane = to_servicenow(running)
    with trap(Point.AFTER_RECORD, die), pytest.raises(Killed):
        relay.drain(lane.pk)
    assert told_of(running) == []

    past = now() - timedelta(seconds=1)
    Lane.objects.filter(pk=lane.pk).update(lease_until=past)
    lease = leases.claim(lane.pk)
    with open_route(lease.lane) as route:
        assert lanes.advance(lease, route, None).is_to_be_found

    assert told_of(running) == ["m-line 0"]
    assert not Outgoing.objects.filter(is_untold=True).exists()


def test_what_is_owed_is_told_before_the_end(running, answers):
    post(running, *SAID[:3])
    with trap(Point.AFTER_RECORD, die), pytest.raises(Killed):
        relay.drain(to_servicenow(running).pk)

    services.end_handoff(handoff_id=running.pk, bot=running.bot)

    assert told(running) == ["message.delivered", "handoff.failed"]


@pytest.mark.django_db(transaction=True)
def test_a_commit_that_nobody_was_told_of_owes_once(
    http, running, answers, monkeypatch
):
    post(running, *SAID[:3])
    advance, done = lanes._advance_plainly, []

    def break_once(*args):
        done.append(advance(*args))
        if len(done) == 1:
            raise OperationalError("server closed the connection")
        return done[-1]

    monkeypatch.setattr(lanes, "RECORD_RETRY", 0)
    monkeypatch.setattr(lanes, "_advance_plainly", break_once)

    relay.drain(to_servicenow(running).pk)

    assert bodies(http) == SAID[:3]
    assert told_of(running) == [f"m-{text}" for text in SAID[:3]]


def test_a_long_message_is_delivered_with_its_last_part(running, answers):
    post(running, "word " * 6_000, "after")

    relay.drain(to_servicenow(running).pk)

    assert len(told_of(running)) == 2
    assert told(running) == ["message.delivered"] * 2
