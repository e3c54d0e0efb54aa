"""How many of one bot's lanes are worked on, and that others get their turn."""

from contextlib import ExitStack
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group
from django.utils.timezone import now

from handoff import bulkheads, doorbell, relay, services
from handoff.models import Bot, BotRuntime, Handoff, Lane
from handoff.models.lane import Direction
from handoff.relay import courtesies, due, leases, looking
from servicenow_auth import services as auth
from servicenow_auth.models import ConnectionRuntime
from tests.relay.conftest import MESSAGES, WEBHOOK, post, to_bot, to_servicenow

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db]
TO_SERVICENOW, TO_BOT = Direction.TO_SERVICENOW, Direction.TO_BOT


def make_lanes(bot: Bot, count: int, *, direction=TO_SERVICENOW) -> list[Lane]:
    """Make so many lanes due, one after the other, and empty."""
    made = Handoff.objects.bulk_create(
        Handoff(bot=bot, conversation_id=f"n-{number}") for number in range(count)
    )
    since = now() - timedelta(minutes=10)
    return Lane.objects.bulk_create(
        Lane(
            bot=bot,
            handoff=handoff,
            direction=direction,
            wake_at=since + timedelta(seconds=number),
        )
        for number, handoff in enumerate(made)
    )


def make_bot(name: str) -> Bot:
    connection = auth.create_connection(owner_group=Group.objects.create(name=name))
    bot = Bot.objects.create(name=name, slug=name, enabled=True, connection=connection)
    services.prepare_bot(bot=bot)
    return bot


@pytest.fixture
def rung(monkeypatch) -> list[int]:
    """The lanes that were rung for."""
    lanes: list[int] = []
    monkeypatch.setattr(doorbell, "ring", lambda _task, lane_id: lanes.append(lane_id))
    return lanes


def claimed(lanes: list[Lane]) -> int:
    return sum(leases.claim(lane.pk) is not None for lane in lanes)


def test_an_instance_gets_no_more_calls_at_once_than_it_may(bot, settings):
    settings.CALLS_PER_CONNECTION = 3
    lanes = make_lanes(bot, 5)

    assert claimed(lanes) == 3

    Lane.objects.filter(pk=lanes[0].pk).update(lease_until=None, wake_at=None)
    assert claimed(lanes[1:]) == 1


def test_an_instance_that_said_it_was_too_much_gets_fewer(bot):
    ConnectionRuntime.objects.update(calls_allowed=1)

    assert claimed(make_lanes(bot, 3)) == 1


def test_other_instances_get_theirs(bot, settings):
    settings.CALLS_PER_CONNECTION = 1

    assert claimed(make_lanes(bot, 2) + make_lanes(make_bot("bank"), 1)) == 2


def test_a_call_of_a_dead_worker_counts_for_as_long_as_it_may_last(bot, settings):
    settings.CALLS_PER_CONNECTION = 1
    dead, waiting = make_lanes(bot, 2)
    leases.claim(dead.pk)
    ago = settings.REQUEST_DEADLINE + timedelta(seconds=1)
    lease = now() + settings.LANE_LEASE - ago
    Lane.objects.filter(pk=dead.pk).update(lease_until=lease)

    assert leases.claim(waiting.pk)


def test_lanes_to_the_bot_are_no_calls_to_the_instance(bot, settings):
    settings.CALLS_PER_CONNECTION = 1

    assert claimed(make_lanes(bot, 3, direction=TO_BOT)) == 3


def test_whoever_drained_a_lane_goes_on_with_those_beside_it(bot):
    lanes = make_lanes(bot, 6)

    relay.drain(lanes[0].pk)

    assert not Lane.objects.filter(due.free()).exists()


def test_after_its_turn_a_thread_is_for_others_and_the_next_is_rung_for(
    bot, rung, monkeypatch
):
    monkeypatch.setattr(relay, "TURN", 0.0)
    first, second, third = make_lanes(bot, 3)

    relay.drain(first.pk)

    assert rung == [second.pk]
    third.refresh_from_db()
    assert third.wake_at is not None


def test_many_lanes_of_one_bot_keep_no_other_bots_from_the_sweep(bot, rung):
    many = make_lanes(bot, 300)
    one = make_lanes(make_bot("bank"), 1)[0]
    Lane.objects.filter(pk=one.pk).update(wake_at=now() - timedelta(seconds=1))

    due.sweep()

    assert set(rung) == {*(lane.pk for lane in many[: due.LANES_PER_BOT]), one.pk}
    assert len(rung) == due.LANES_PER_BOT + 1


def test_each_bot_is_rung_for_once_before_one_is_rung_for_twice(bot, rung, monkeypatch):
    monkeypatch.setattr(due, "SWEEP_LIMIT", 2)
    first = make_lanes(bot, 5)[0]
    one = make_lanes(make_bot("bank"), 1)[0]
    Lane.objects.filter(pk=one.pk).update(wake_at=now() - timedelta(seconds=1))

    due.sweep()

    assert rung == [first.pk, one.pk]


def test_many_looks_of_one_bot_keep_no_other_bots_from_the_sweep(bot, monkeypatch):
    rung: list[str] = []
    monkeypatch.setattr(doorbell, "ring", lambda _task, name: rung.append(name))
    monkeypatch.setattr(looking, "SWEEP_LIMIT", 2)
    make_lanes(bot, 5)
    Handoff.objects.update(poll_at=now() - timedelta(minutes=1))
    other = make_lanes(make_bot("bank"), 1)[0].handoff
    late = Handoff.objects.filter(pk=other.pk)
    late.update(poll_at=now() - timedelta(seconds=1))

    looking.sweep()

    assert len(rung) == 2
    assert str(other.pk) in rung


@pytest.mark.parametrize("direction", [TO_SERVICENOW, TO_BOT])
def test_what_waits_for_a_pause_is_neither_rung_for_nor_stuck(bot, rung, direction):
    lane = make_lanes(bot, 1, direction=direction)[0]
    due.sweep()
    assert rung == [lane.pk]
    assert due.stuck(since=now()).exists()

    until = now() + timedelta(minutes=30)
    ConnectionRuntime.objects.update(paused_until=until)
    BotRuntime.objects.update(webhook_paused_until=until)
    due.sweep()

    assert rung == [lane.pk]
    assert not due.stuck(since=now()).exists()


def test_a_lane_that_waits_for_those_beside_it_is_not_stuck(bot, settings):
    settings.CALLS_PER_CONNECTION = 1
    lanes = make_lanes(bot, 2)
    leases.claim(lanes[0].pk)

    assert not due.stuck(since=now()).exists()


@pytest.mark.parametrize(("threads", "room"), [(32, 8), (6, 1), (1, 1)])
def test_a_bot_holds_a_quarter_of_the_threads_in_each_direction(
    bot, settings, threads, room
):
    settings.WORKER_CONCURRENCY = threads
    with ExitStack() as stack:
        hold = lambda *key: stack.enter_context(bulkheads.share(*key))  # noqa: E731
        assert [hold(bot.pk, TO_BOT) for _ in range(room + 2)].count(True) == room
        assert hold(bot.pk, TO_SERVICENOW)
        assert hold(make_bot("bank").pk, TO_BOT)

    with bulkheads.share(bot.pk, TO_BOT) as has_room:
        assert has_room


@pytest.fixture
def crowded(webhook_bot, running, settings):
    """A handoff for whose bot this process has no thread left; everything is due."""
    settings.WORKER_CONCURRENCY = 4
    post(running, "one")
    Lane.objects.update(wake_at=now() - timedelta(seconds=1))
    with ExitStack() as stack:
        for direction in Direction:
            stack.enter_context(bulkheads.share(webhook_bot.pk, direction))
        yield running


def test_without_room_a_lane_stays_as_it_is(crowded):
    for lane in (to_servicenow(crowded), to_bot(crowded)):
        relay.drain(lane.pk)

        after = Lane.objects.get(pk=lane.pk)
        assert (after.fence, after.wake_at) == (lane.fence, lane.wake_at)


def test_without_room_nobody_looks_but_soon(crowded):
    looking.look(crowded.pk)

    crowded.refresh_from_db()
    assert now() < crowded.poll_at < now() + timedelta(seconds=2)


def test_without_room_no_typing_is_shown(crowded):
    Handoff.objects.update(state="accepted")

    courtesies.show_typing(crowded.pk, typing=True)


def test_with_room_again_it_goes(http, crowded, settings):
    settings.WORKER_CONCURRENCY = 8
    http.post(MESSAGES, json={"result": {"sys_id": "1" * 32}})
    http.post(WEBHOOK, status=204)

    relay.drain(to_servicenow(crowded).pk)
    relay.drain(to_bot(crowded).pk)

    assert not Lane.objects.filter(due.free(), handoff=crowded).exists()
