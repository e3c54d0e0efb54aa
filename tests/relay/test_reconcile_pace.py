"""How often all open handoffs of a bot are read, and who reads them."""

from datetime import timedelta

import pytest
from django.utils.timezone import now

from handoff import doorbell, relay, services
from handoff.models import BotRuntime, Event
from handoff.relay import reconciling
from handoff.relay.reconciling import reconcile
from servicenow_auth.models import ConnectionRuntime
from tests.relay.conftest import (
    LIVE_MESSAGES,
    SESSIONS,
    entry,
    message,
    to_servicenow,
)
from tests.relay.reads import about, again, ago, shows, tell, texts, wait

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db]


def test_callbacks_that_worked_for_ten_minutes_make_reads_rare(http, due):
    said = message("1" * 32, "Hello", timestamp=ago(20))
    tell(due, said)
    shows(http, said)
    reconcile(due.bot_id)
    assert wait().total_seconds() == about(15)
    again(callbacks_work_since=now() - timedelta(minutes=11))
    shows(http, said)

    reconcile(due.bot_id)

    assert wait().total_seconds() == about(60)


def test_a_message_that_no_callback_told_makes_reads_frequent_again(http, due):
    again(callbacks_work_since=now() - timedelta(minutes=11))
    shows(http, message("1" * 32, "Hello", timestamp=ago(20)))

    reconcile(due.bot_id)

    assert BotRuntime.objects.get().callbacks_work_since is None
    assert wait().total_seconds() == about(15)


def test_a_silent_conversation_does_not_prove_that_callbacks_work(http, due):
    shows(http)

    reconcile(due.bot_id)

    assert BotRuntime.objects.get().callbacks_work_since is None


def test_a_callback_that_works_has_time_to_come(http, due):
    again(callbacks_work_since=now() - timedelta(minutes=11))
    said = message("1" * 32, "Hello", timestamp=ago(1))
    shows(http, said)
    reconcile(due.bot_id)
    assert texts(due) == []

    tell(due, said)

    assert Event.objects.get(type="message.created").payload["data"]["recovered"] is (
        False
    )


def test_reads_take_a_fifth_of_what_servicenow_allows(http, due):
    """Three calls of 90 an hour: 18 are ours, so six such reads."""
    shows(http, headers={"X-RateLimit-Limit": "90"})

    reconcile(due.bot_id)

    assert wait().total_seconds() == about(600)


def test_a_throttled_read_pauses_the_connection(http, due):
    http.get(LIVE_MESSAGES, status=429, headers={"Retry-After": "600"})
    reconcile(due.bot_id)
    assert ConnectionRuntime.objects.get().pause_ends_at
    again()

    reconcile(due.bot_id)

    assert len(http.calls) == 1
    assert wait().total_seconds() == about(600)


def test_nothing_is_read_while_nothing_is_open(due):
    services.end_handoff(handoff_id=due.pk, bot=due.bot)

    reconcile(due.bot_id)

    runtime = BotRuntime.objects.get()
    assert (runtime.reconcile_at, runtime.reconcile_from) == (None, None)


def test_a_conversation_is_read_with_the_others_from_its_start_on(http, handoff):
    http.post(SESSIONS, json={"result": entry(1)})

    relay.drain(to_servicenow(handoff).pk)

    assert wait().total_seconds() == about(15)
    handoff.refresh_from_db()
    assert handoff.poll_at is None


def test_a_start_that_comes_during_a_read_has_the_next_one_made(due):
    """Whoever is reading found nothing open, and would let the bot rest."""
    claimed_until = now() + reconciling.LEASE
    BotRuntime.objects.update(reconcile_at=claimed_until)

    reconciling.include(due, opened_at=now())

    assert wait().total_seconds() == about(15)


def test_a_conversation_that_was_found_late_is_read_from_its_beginning(http, due):
    reconciling.include(due, opened_at=now() - timedelta(minutes=20))

    due.refresh_from_db()
    assert due.must_read
    assert due.poll_at <= now()


def test_one_worker_takes_a_read(http, due):
    shows(http)

    reconcile(due.bot_id)
    reconcile(due.bot_id)

    assert len(http.calls) == 3


def test_a_sweep_rings_for_what_is_due(due, monkeypatch):
    rung = []
    monkeypatch.setattr(doorbell, "ring", lambda task, *args: rung.append((task, args)))

    reconciling.sweep()

    assert rung == [("reconcile", (str(due.bot_id),))]
