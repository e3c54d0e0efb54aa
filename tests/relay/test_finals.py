"""Two ends at the same moment: one final event, and it is the last word."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import pytest
from django.db import connection, transaction
from django.utils.timezone import now

from handoff import lifecycle, relay, services
from handoff.chat_systems import EntryState, Observation
from handoff.models import Bot, Event, Handoff
from handoff.models.bot import WithoutAgent
from handoff.models.handoff import EndedBy, Reason
from handoff.relay import looking, ticket, watching
from handoff.relay.observing import observe
from tests.relay.conftest import (
    AGENT,
    ENTRY,
    GROUP,
    MESSAGES,
    SESSIONS,
    events,
    message,
    post,
    to_servicenow,
)

pytestmark = [
    pytest.mark.both_databases,
    pytest.mark.django_db(transaction=True),
]

FINAL = {"handoff.ended", "handoff.failed"}


def see(handoff: Handoff, state: EntryState) -> None:
    seen = Observation(state=state, group_id=GROUP, entry_id=ENTRY, agent_id=AGENT)
    with transaction.atomic():
        observe(lifecycle.lock(handoff.pk), seen)


def accept(handoff: Handoff) -> None:
    see(handoff, EntryState.ACCEPTED)


def agent_ends(handoff: Handoff) -> None:
    """ServiceNow shows the end, and the messages before it are read."""
    see(handoff, EntryState.CLOSED)
    looking.look(handoff.pk)


def user_leaves(handoff: Handoff) -> None:
    services.end_handoff(
        handoff_id=handoff.pk, bot=handoff.bot, reason=Reason.USER_LEFT
    )


def time_is_up(handoff: Handoff) -> None:
    Handoff.objects.update(created_at=now() - timedelta(minutes=31))
    watching.watch()


def nobody_comes(handoff: Handoff) -> None:
    with transaction.atomic():
        locked = lifecycle.lock(handoff.pk)
        no_agent = Reason.NO_AGENT_AVAILABLE
        lifecycle.close(locked, reason=no_agent, ended_by=EndedBy.SYSTEM)


def patience_ends(handoff: Handoff) -> None:
    waiting = Handoff.objects.filter(final_due_at__isnull=False)
    waiting.update(final_due_at=now() - timedelta(seconds=1))
    ticket.tell_overdue()


Step = Callable[[Handoff], None]


def at_once(handoff: Handoff, *steps: Step) -> None:
    together = Barrier(len(steps))

    def run(step: Step) -> None:
        together.wait()
        try:
            step(handoff)
        finally:
            connection.close()

    with ThreadPoolExecutor(len(steps)) as pool:
        list(pool.map(run, steps))


@pytest.mark.parametrize("in_order", [True, False])
@pytest.mark.parametrize(
    ("before", "steps"),
    [
        ([accept], [user_leaves, agent_ends]),
        ([], [time_is_up, accept]),
        ([], [time_is_up, user_leaves]),
        ([], [nobody_comes, user_leaves]),
    ],
)
def test_of_two_ends_one_after_the_other_the_first_is_told(
    http: Any, running, before, steps, in_order
):
    http.assert_all_requests_are_fired = False
    http.get(MESSAGES, json={"result": [message("1" * 32, "Bye")]})
    for step in [*before, *(steps if in_order else reversed(steps))]:
        step(running)

    if not running.bot.handoffs.get().is_final:
        user_leaves(running)

    told = events(running)
    assert [kind for kind in told if kind in FINAL] == told[-1:]


@pytest.mark.parametrize(
    ("before", "steps"),
    [
        ([accept], [user_leaves, agent_ends, user_leaves]),
        ([], [time_is_up, accept, user_leaves]),
        ([nobody_comes], [patience_ends, user_leaves, patience_ends]),
    ],
)
def test_of_ends_at_the_same_moment_one_is_told(http: Any, running, before, steps):
    Bot.objects.update(without_agent=WithoutAgent.INCIDENT)
    running.bot.refresh_from_db()
    http.assert_all_requests_are_fired = False
    http.get(MESSAGES, json={"result": [message("1" * 32, "Bye")]})
    for step in before:
        step(running)

    at_once(running, *steps)
    patience_ends(running)

    told = events(running)
    assert [kind for kind in told if kind in FINAL] == told[-1:]


def test_an_end_while_the_start_is_on_its_way_is_told_once(http, handoff):
    def leave_meanwhile(request: Any) -> tuple[int, dict[str, str], str]:
        user_leaves(handoff)
        return 502, {}, "<html>"

    http.add_callback("POST", SESSIONS, callback=leave_meanwhile)
    post(handoff, "Anybody?")

    relay.drain(to_servicenow(handoff).pk)

    assert [kind for kind in events(handoff) if kind in FINAL] == ["handoff.failed"]
    final = Event.objects.get(handoff=handoff, type="handoff.failed")
    assert final.payload["data"]["reason"] == Reason.USER_LEFT
