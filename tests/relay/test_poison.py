"""Callbacks that end whoever takes them in hold their conversation for a while only."""

from contextlib import suppress
from datetime import timedelta

import pytest
from django.db import OperationalError, connection
from django.utils.timezone import now

from handoff.failpoints import Point, listeners
from handoff.models import Callback, Handoff, Lane, Outgoing
from handoff.relay import inbox, lanes, poison
from tests.faults import traps
from tests.relay.conftest import GROUP, MESSAGES, drain, events, message, post, states
from tests.relay.reading_back import shows, takes
from tests.relay.reads import tell, texts

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db]


class Killed(BaseException):
    """What a kill leaves behind in the database, which is nothing."""


def kill(point: Point, about: object) -> None:
    is_deadly = isinstance(about, Callback) and "deadly" in about.body
    if is_deadly and point == Point.IN_PROCESSING:
        raise Killed


@pytest.fixture
def deadly(running):
    """A handoff with three callbacks, the second of which kills."""
    Handoff.objects.update(poll_at=None, state="accepted")

    listeners.append(kill)
    for number, text in enumerate(["first", "deadly", "third"], start=1):
        stamp = 1_790_000_000_000 + number * 1000
        try:
            tell(running, message(f"{number}" * 32, text, timestamp=stamp))
        except Killed:
            continue
    yield running
    listeners.remove(kill)


def ring(handoff: Handoff) -> None:
    """Process what is stored, as a worker that may die of it, some seconds later."""
    past = now() - poison.APART - timedelta(seconds=1)
    Callback.objects.exclude(attempted_at=None).update(attempted_at=past)
    try:
        inbox.process(bot_id=handoff.bot_id, group_id=GROUP)
    except Killed:
        return


def test_it_is_set_aside_after_ten_attempts_and_the_next_goes_on(deadly):
    for _ in range(8):
        ring(deadly)
    assert texts(deadly) == ["first"]

    for _ in range(3):
        ring(deadly)

    assert texts(deadly) == ["first", "third"]
    bad = Callback.objects.get(state="broken")
    assert "deadly" in bad.body
    assert bad.note == poison.SET_ASIDE


def test_what_it_said_is_read_instead(deadly):
    for _ in range(11):
        ring(deadly)

    deadly.refresh_from_db()
    assert deadly.must_read
    assert deadly.poll_at <= now()


def test_what_came_with_it_is_not_taken_for_it(running):
    """The first of a batch is not the one that kills."""
    Handoff.objects.update(poll_at=None, state="accepted")

    listeners.append(kill)
    try:
        for number, text in enumerate(["first", "deadly"], start=1):
            shown = message(f"{number}" * 32, text)
            Callback.objects.create(
                bot=running.bot,
                group_id=GROUP,
                authenticated_by="signature",
                body=f'{{"event": "message", "group": "{GROUP}", "sys_id":'
                f' "{shown["sys_id"]}", "message": "{text}"}}',
            )
        for _ in range(13):
            ring(running)
    finally:
        listeners.remove(kill)

    assert texts(running) == ["first"]
    states = Callback.objects.order_by("pk").values_list("state", flat=True)
    assert list(states) == ["relayed", "broken"]


def test_rings_at_one_time_count_as_one_attempt(running):
    tell(running, message("1" * 32, "first"), group="9" * 32)
    for _ in range(5):
        with poison.attempt(Callback.objects.all()):
            pass

    assert Callback.objects.get().attempts == 1


def lose_the_connection() -> None:
    """Let the server end it, as one that restarts does; SQLite has no server."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
    raise OperationalError("disk I/O error")


def give_up_waiting() -> None:
    raise OperationalError("canceling statement due to lock timeout")


@pytest.mark.django_db(transaction=True)
def test_what_ends_with_the_database_is_not_counted(running):
    """But the death of a worker in between is."""
    Handoff.objects.update(poll_at=None, state="accepted")
    with traps.trap(Point.IN_PROCESSING, traps.die), suppress(traps.Killed):
        tell(running, message("1" * 32, "good"))
    past = now() - poison.APART - timedelta(seconds=1)
    Callback.objects.update(attempted_at=past)

    with traps.trap(Point.IN_PROCESSING, lose_the_connection):
        for _ in range(poison.MAX_ATTEMPTS + 1):
            with pytest.raises(OperationalError):
                inbox.process(bot_id=running.bot_id, group_id=GROUP)
    assert Callback.objects.get().attempts == 1
    inbox.process(bot_id=running.bot_id, group_id=GROUP)

    assert texts(running) == ["good"]


@pytest.mark.django_db(transaction=True)
def test_nor_where_the_database_stays_away_for_a_moment(running, monkeypatch):
    monkeypatch.setattr(poison, "RETRY", 0.01)
    Handoff.objects.update(poll_at=None)
    refusals = ["the database system is starting up"] * 3

    def refuse(execute, sql, *args):
        if '"attempts" - ' in sql and refusals:
            raise OperationalError(refusals.pop())
        return execute(sql, *args)

    with (
        traps.trap(Point.IN_PROCESSING, give_up_waiting),
        connection.execute_wrapper(refuse),
        pytest.raises(OperationalError),
    ):
        tell(running, message("1" * 32, "good"))

    assert refusals == []
    assert Callback.objects.get().attempts == 0


def test_a_callback_that_only_waits_is_not_counted(running):
    """Its conversation is not known yet."""
    tell(running, message("1" * 32, "first"), group="9" * 32)

    for _ in range(12):
        Callback.objects.update(attempted_at=None)
        inbox.process(bot_id=running.bot_id, group_id="9" * 32)

    assert Callback.objects.get().state == "stored"
    assert Callback.objects.get().attempts == 0


def test_a_look_that_kills_holds_its_lane_for_a_while_only(http, running):
    post(running, "deadly", "next")
    http.post(MESSAGES, status=502, body="<html>")
    drain(running)
    shows(http)
    with traps.trap(Point.DURING_READ_BACK, traps.die):
        for _ in range(lanes.MAX_LOOKS):
            assert states(running)[1:] == ["sending", "pending"]
            with suppress(traps.Killed):
                drain(running)
            past = now() - timedelta(seconds=1)
            Lane.objects.filter(handoff=running).update(lease_until=past)
    takes(http, "1" * 32)

    drain(running)

    assert states(running)[1:] == ["failed", "sent"]
    assert events(running) == ["message.failed", "message.delivered"]


def test_only_looks_in_a_row_that_kill_are_counted(http, running):
    post(running, "one")
    http.post(MESSAGES, status=502, body="<html>")
    drain(running)
    Outgoing.objects.update(looks=lanes.MAX_LOOKS - 1)
    shows(http)

    drain(running)
    drain(running)

    assert states(running)[1:] == ["sending"]
