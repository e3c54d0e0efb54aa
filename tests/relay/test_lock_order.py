"""Two transactions that meet never wait for each other in a circle.

The windows are widened by waits; nothing else is changed. SQLite has one writer at a
time, so there these tests only say that nothing else breaks.
"""

import threading
import time
from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils.timezone import now

from handoff import events, lifecycle, relay, services
from handoff.exceptions import BotGone
from handoff.models import Event, Lane, Outgoing
from handoff.relay import due, lanes, leases, recording, to_bot, to_servicenow
from servicenow_auth import pauses, states
from servicenow_auth import services as auth
from servicenow_auth.models import ConnectionRuntime
from tests.relay import conftest as stage

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db(transaction=True)]
SHORT = 1.0


def meet(*functions) -> list[str]:
    """Run functions at once; return the errors they ended with."""
    errors = []

    def run(function):
        try:
            function()
        except DatabaseError as exc:
            errors.append(f"{function.__name__}: {exc}")
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[each]) for each in functions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return errors


def tell(handoff) -> None:
    with transaction.atomic():
        events.emit(lifecycle.lock(handoff.pk), "handoff.wait_time.updated", {})


def test_switching_a_webhook_on_meets_an_event(webhook_bot, running, monkeypatch):
    tell(running)
    wake = due.wake

    def wake_slowly(rows):
        time.sleep(SHORT)
        wake(rows)

    monkeypatch.setattr(due, "wake", wake_slowly)

    def switch_on():
        services.switch_webhook_on(bot=webhook_bot)

    def emit():
        time.sleep(SHORT / 2)
        tell(running)

    assert meet(switch_on, emit) == []


def test_one_410_meets_another(webhook_bot, running, monkeypatch):
    """A handoff's lane and the bot's own lane switch the same webhook off."""
    tell(running)
    with transaction.atomic():
        events.emit_for_bot(webhook_bot, "authorization.required", {})
    own = Lane.objects.get(bot=webhook_bot, handoff=None)
    both_hold = threading.Barrier(2)
    judge = to_bot.ToBot.judge

    def judge_slowly(route, item, error):
        verdict = judge(route, item, error)
        if connection.vendor == "postgresql":
            both_hold.wait(SHORT)
        return verdict

    monkeypatch.setattr(to_bot.ToBot, "judge", judge_slowly)

    def drain(lane_id):
        lease = leases.claim(lane_id)
        with to_bot.open_route(lease.lane) as route:
            item = lanes.advance(lease, route, None)
            done = recording.Done(result=None, error=BotGone("410"), started_at=now())
            lanes.advance(lease, route, recording.Step(item, done, more=False))

    def drain_own():
        drain(own.pk)

    def drain_the_handoffs():
        drain(stage.to_bot(running).pk)

    assert meet(drain_own, drain_the_handoffs) == []


def test_who_goes_first_after_a_pause_meets_a_new_authorization(running, monkeypatch):
    stage.post(running, "one")
    past = now() - timedelta(seconds=1)
    ConnectionRuntime.objects.update(paused_until=past)
    go_first = pauses.go_first
    lease = leases.claim(stage.to_servicenow(running).pk)

    def go_first_slowly(pk):
        time.sleep(SHORT)
        return go_first(pk)

    monkeypatch.setattr(pauses, "go_first", go_first_slowly)

    def go_on():
        with to_servicenow.open_route(lease.lane) as route:
            assert lanes.advance(lease, route, None)

    def make_ready():
        time.sleep(SHORT / 2)
        runtime = ConnectionRuntime.objects.get()
        ConnectionRuntime.objects.update(state="not_authorized")
        states.make_ready(pk=runtime.pk, version=runtime.version)

    assert meet(go_on, make_ready) == []


def test_a_user_who_leaves_meets_a_new_authorization(http, chat, monkeypatch):
    """While lanes are woken, one of them is about to tell the same bot something."""
    request = services.StartRequest(conversation_id="c-2", message="Hello?")
    other = services.start_handoff(bot=chat.bot, request=request).handoff
    relay.drain(stage.to_servicenow(other).pk)
    stage.post(chat, "Is anybody there?")
    stage.post(other, "Is anybody there?")
    give_up_pending = lifecycle.give_up_pending

    def give_up_slowly(*args, **kwargs):
        give_up_pending(*args, **kwargs)
        time.sleep(SHORT)

    monkeypatch.setattr(lifecycle, "give_up_pending", give_up_slowly)

    def leave():
        services.end_handoff(handoff_id=other.pk, bot=chat.bot)

    def resume():
        time.sleep(SHORT / 2)
        services.resume_lanes(connection=chat.bot.connection)

    def record():
        with transaction.atomic():
            _, lane = lifecycle.lock_with_lane(handoff_id=chat.pk, bot=chat.bot)
            hello = Outgoing(kind=Outgoing.Kind.MESSAGE, text="Hello")
            lifecycle.queue(lane, [hello])
            time.sleep(SHORT)
            events.emit(chat, "handoff.wait_time.updated", {})

    assert meet(leave, resume, record) == []


@pytest.mark.parametrize("stop", ["need_reauthorization", "disconnect"])
def test_who_goes_first_after_a_pause_meets_a_lost_authorization(
    running, monkeypatch, stop
):
    """The one has told the bot something in its transaction, the other is about to."""
    stage.post(running, "one", "two")
    auth_connection = running.bot.connection
    lease = leases.claim(stage.to_servicenow(running).pk)
    go_first = pauses.go_first

    def go_first_slowly(pk):
        time.sleep(SHORT)
        return go_first(pk)

    def record_and_go_on():
        with to_servicenow.open_route(lease.lane) as route:
            task = lanes.advance(lease, route, None)
            past = now() - timedelta(seconds=1)
            ConnectionRuntime.objects.update(paused_until=past)
            monkeypatch.setattr(pauses, "go_first", go_first_slowly)
            done = recording.Done(result="1" * 32, error=None, started_at=now())
            assert lanes.advance(lease, route, recording.Step(task, done, more=True))

    def lose_it():
        time.sleep(SHORT / 2)
        if stop == "disconnect":
            auth.disconnect(auth_connection)
        else:
            states.need_reauthorization(pk=auth_connection.pk, detail="refused")

    assert meet(record_and_go_on, lose_it) == []
    assert Event.objects.filter(type="authorization.required").count() == 1


def test_two_refusals_at_once_are_told_once(running, monkeypatch):
    both_saw_it_ready = threading.Barrier(2)
    hold = states._hold

    def hold_together(*args, **kwargs):
        both_saw_it_ready.wait(SHORT)
        return hold(*args, **kwargs)

    monkeypatch.setattr(states, "_hold", hold_together)

    def refuse():
        pk = running.bot.connection_id
        assert states.need_reauthorization(pk=pk, detail="refused")

    assert meet(refuse, refuse) == []
    assert Event.objects.filter(type="authorization.required").count() == 1


def test_a_lane_that_is_about_to_wait_meets_the_end_of_the_pause(running, monkeypatch):
    stage.post(running, "one")
    in_an_hour = now() + timedelta(hours=1)
    ConnectionRuntime.objects.update(paused_until=in_an_hour)
    lease = leases.claim(stage.to_servicenow(running).pk)
    ends_at = pauses.ends_at

    def ends_at_slowly(pk):
        found = ends_at(pk)
        time.sleep(SHORT)
        return found

    monkeypatch.setattr(pauses, "ends_at", ends_at_slowly)

    def wait():
        with to_servicenow.open_route(lease.lane) as route:
            assert lanes.advance(lease, route, None) is None

    def lift():
        time.sleep(SHORT / 2)
        pauses.lift(running.bot.connection)

    assert meet(wait, lift) == []
    assert stage.to_servicenow(running).wake_at <= now()
