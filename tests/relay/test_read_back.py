"""What becomes of an item of unknown outcome, by what ServiceNow shows."""

import json
import time
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.utils.timezone import now

from handoff import relay
from handoff.models import Handoff, Outgoing
from servicenow_auth.models import ConnectionRuntime
from tests.relay.conftest import (
    ENVELOPE,
    MESSAGES,
    drain,
    events,
    message,
    post,
    states,
    to_servicenow,
)
from tests.relay.reading_back import (
    BROKEN,
    OPENING,
    ours,
    posted,
    settle,
    shows,
    sys_ids,
    takes,
)

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db]


@pytest.fixture
def unknown(http, running: Handoff) -> Handoff:
    """A message was sent and its answer lost; another one waits behind it."""
    post(running, "one", "two")
    http.post(MESSAGES, **BROKEN)
    relay.drain(to_servicenow(running).pk)
    assert states(running)[1:] == ["sending", "pending"]
    return running


def test_a_message_that_arrived_is_found_and_the_next_one_goes(http, unknown):
    shows(http, ours("1" * 32, "one"))
    takes(http, "2" * 32)

    drain(unknown)

    assert states(unknown)[1:] == ["sent", "sent"]
    assert sys_ids(unknown) == ["1" * 32, "2" * 32]
    assert posted(http) == ["one", "two"]
    assert events(unknown) == ["message.delivered"] * 2


def test_one_that_did_not_arrive_is_sent_again_once_it_no_longer_can(http, unknown):
    shows(http)
    drain(unknown)
    assert states(unknown)[1:] == ["sending", "pending"]
    assert posted(http) == ["one"]

    settle()
    takes(http, "1" * 32)
    takes(http, "2" * 32)
    drain(unknown)

    assert posted(http) == ["one", "one", "two"]
    assert states(unknown)[1:] == ["sent", "sent"]
    assert Outgoing.objects.get(text="one").attempts == 2


def test_a_send_that_stood_still_before_it_began_may_still_arrive(http, unknown):
    late = settings.REQUEST_DEADLINE + settings.SETTLE_TIME + timedelta(seconds=1)
    Outgoing.objects.filter(state="sending").update(attempt_started_at=now() - late)
    shows(http)

    drain(unknown)

    assert posted(http) == ["one"]
    assert states(unknown)[1:] == ["sending", "pending"]


def test_the_next_look_is_when_it_can_no_longer_arrive(http, unknown):
    Outgoing.objects.filter(state="sending").update(
        attempt_started_at=now() - timedelta(seconds=85)
    )
    shows(http)

    drain(unknown)

    wake_at = to_servicenow(unknown).wake_at
    assert now() < wake_at < now() + timedelta(seconds=6)


def test_a_read_that_began_too_early_proves_no_absence(http, unknown):
    """The last of the time passes while ServiceNow answers."""
    nearly = now() - timedelta(seconds=90 - 0.5)
    Outgoing.objects.filter(state="sending").update(attempt_started_at=nearly)

    def answer_late(request: Any) -> tuple[int, dict[str, str], str]:
        time.sleep(0.6)
        return 200, {}, json.dumps({"result": [OPENING]})

    http.add_callback("GET", MESSAGES, answer_late)

    drain(unknown)

    assert posted(http) == ["one"]
    assert states(unknown)[1:] == ["sending", "pending"]


@pytest.mark.parametrize("shown", [[], [message("9" * 32, "I am here")]])
def test_absence_without_a_record_of_ours_proves_nothing(http, unknown, shown):
    unknown.messages.create(role="agent", sys_id="9" * 32, text="I am here")
    settle()
    http.get(MESSAGES, json={"result": shown})

    drain(unknown)

    assert states(unknown)[1:] == ["sending", "pending"]
    assert posted(http) == ["one"]
    assert "does not show us" in Outgoing.objects.get(text="one").last_error
    assert to_servicenow(unknown).stalled_reason == "unreadable"


def test_words_of_ours_that_are_no_items_may_be_the_item_changed_there(http, unknown):
    settle()
    shows(http, ours("9" * 32, "***") | {"timestamp": int(time.time() * 1000)})

    drain(unknown)

    assert posted(http) == ["one"]
    assert states(unknown)[1:] == ["sending", "pending"]


def test_an_error_that_servicenow_answered_needs_no_time_to_settle(http, running):
    post(running, "one")
    http.post(MESSAGES, status=500, json=ENVELOPE)
    relay.drain(to_servicenow(running).pk)
    shows(http)
    takes(http, "1" * 32)

    drain(running)

    assert states(running)[1:] == ["sent"]


def test_a_later_attempt_that_broke_off_is_not_taken_for_the_answered_one(
    http, running
):
    post(running, "one")
    http.post(MESSAGES, status=500, json=ENVELOPE)
    relay.drain(to_servicenow(running).pk)
    shows(http)
    http.post(MESSAGES, **BROKEN)
    drain(running)

    drain(running)

    assert posted(http) == ["one", "one"]
    assert states(running)[1:] == ["sending"]


def test_somebody_elses_same_words_are_not_ours(http, unknown):
    shows(http, message("9" * 32, "one"))

    drain(unknown)

    assert states(unknown)[1:] == ["sending", "pending"]


def test_a_read_that_fails_leaves_all_as_it_is(http, unknown):
    settle()
    http.get(MESSAGES, status=403, json={"result": "no"})

    drain(unknown)

    assert states(unknown)[1:] == ["sending", "pending"]
    lane = to_servicenow(unknown)
    assert (lane.stalled_reason, lane.wake_at > now()) == ("unreadable", True)


def test_a_throttled_read_pauses_the_connection(http, unknown):
    http.get(MESSAGES, status=429, json=ENVELOPE, headers={"Retry-After": "60"})

    drain(unknown)
    drain(unknown)

    assert ConnectionRuntime.objects.get().pause_ends_at is not None
    assert states(unknown)[1:] == ["sending", "pending"]


def test_what_a_dead_worker_had_in_hand_is_looked_for(http, running):
    post(running, "one")
    started = {"attempts": 1, "attempt_started_at": now(), "first_attempt_at": now()}
    Outgoing.objects.filter(text="one").update(state="sending", **started)
    shows(http, ours("1" * 32, "one"))

    drain(running)

    assert states(running)[1:] == ["sent"]
    assert posted(http) == []


def test_what_stays_unknown_for_a_day_is_given_up_and_told(http, unknown):
    Outgoing.objects.filter(text="one").update(created_at=now() - timedelta(hours=25))
    takes(http, "2" * 32)

    drain(unknown)

    assert states(unknown)[1:] == ["failed", "sent"]
    assert events(unknown) == ["message.failed", "message.delivered"]
