"""One worker at a time takes a lane's items, in order, to where they belong.

The guarantee rests on three rules. A lane is owned by who holds its newest fence, and
every transaction of the owner begins by proving and renewing that. The intent to send
an item is committed, in that same transaction, before a byte of it leaves. An item
whose outcome is not known stays `sending`, and is never sent again on a guess.
"""

import logging
import time
from contextlib import AbstractContextManager

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models.functions import Now
from django.utils.timezone import now

from handoff import doorbell
from handoff.failpoints import Point, reach
from handoff.models.lane import ItemState
from handoff.relay.leases import Lease
from handoff.relay.recording import Done, Step, Task, record, save_sent, settle
from handoff.relay.routes import GaveUp, ItemT, Route
from servicenow_auth.exceptions import DeliveryError

logger = logging.getLogger(__name__)

RECORD_RETRY = 0.5  # seconds
# At what became of one item, from which nobody came back.
MAX_LOOKS = 10
HEARD = {True: Point.DURING_READ_BACK, False: Point.AFTER_ANSWER}
INTENT_FIELDS = [
    "state",
    "attempts",
    "attempt_started_at",
    "first_attempt_at",
    "last_error",
]


def drain(lease: Lease, opened: AbstractContextManager[Route[ItemT]]) -> None:
    """Send the lane's items one after the other until none may go."""
    budget = time.monotonic() + settings.DRAIN_BUDGET.total_seconds()
    with opened as route:
        route.prepare()
        task = _advance_surely(lease, route, None)
        while task is not None:
            done = _attempt(lease, route, task)
            reach(HEARD[task.is_to_be_found], lease.lane)
            more = time.monotonic() < budget
            task = _advance_surely(lease, route, Step(task, done, more=more))
            reach(Point.AFTER_RECORD, lease.lane)


def _attempt(lease: Lease, route: Route[ItemT], task: Task[ItemT]) -> Done:
    started_at = now()
    try:
        if task.is_to_be_found:
            result = route.find(task.item)
        else:
            reach(Point.AFTER_INTENT, lease.lane)
            result = route.send(task.item, send_before=lease.send_before)
    except DeliveryError as error:
        return Done(result=None, error=error, started_at=started_at)
    return Done(result=result, error=None, started_at=started_at)


def _advance_surely(
    lease: Lease, route: Route[ItemT], step: Step[ItemT] | None
) -> Task[ItemT] | None:
    """Advance, again and again while the lease lasts if the database is in trouble.

    What was sent and not recorded would be of unknown outcome from then on.
    """
    again = False
    while True:
        try:
            if step is not None and not again and step.is_plain(route):
                task = _advance_plainly(lease, route, step)
                if task is not None:
                    return task
            return advance(lease, route, step, again=again)
        except (OperationalError, InterfaceError) as exc:
            logger.warning("lane.not_recorded", extra={"error": type(exc).__name__})
            if step is None or time.monotonic() > lease.expires_at:
                raise
            connection.close()
            time.sleep(RECORD_RETRY)
            again = True


@transaction.atomic
def advance(
    lease: Lease,
    route: Route[ItemT],
    step: Step[ItemT] | None,
    *,
    again: bool = False,
) -> Task[ItemT] | None:
    """Record what became of the last item, and commit the intent to send the next.

    Return the next task, or None when the lane is released or was lost to another
    worker; then what is not recorded stays `sending`. `again` after an error: the
    former call may have been committed all the same.
    """
    route.lock()
    if not lease.renew():
        logger.warning("lane.lost", extra={"lane_id": lease.lane.pk})
        return None
    route.pay()
    if again and step is not None:
        step.task.item.refresh_from_db()
        if step.task.item.state != ItemState.SENDING:
            return _intend(lease, route, own_intent=True)
    if step is not None:
        verdict = record(lease, route, step)
        if verdict is not None and verdict.wait is not None:
            lease.release(wake_at=Now() + verdict.wait, reason=verdict.reason)
            return None
        if not step.more:
            lease.release(wake_at=Now())
            doorbell.ring_lane(lease.lane.pk)
            return None
    return _intend(lease, route)


def _intend(
    lease: Lease, route: Route[ItemT], *, own_intent: bool = False
) -> Task[ItemT] | None:
    """Commit the next intent; with `own_intent` no byte of a found one has left."""
    while (item := route.head()) is not None:
        # An item that was of unknown outcome before says why.
        if own_intent and item.state == ItemState.SENDING and not item.last_error:
            item.state, item.attempts = ItemState.PENDING, item.attempts - 1
        if item.state == ItemState.SENDING and route.proven(item):
            settle(route, item)
            continue
        hold = route.hold(item)
        if hold is not None and not _is_old(route, item):
            lease.release(wake_at=hold.until, reason=hold.reason)
            return None
        # What has to wait for longer than it may is given up though it was never tried.
        if hold is not None or _is_exhausted(route, item):
            settle(
                route,
                item,
                error=GaveUp("Given up after too many attempts, or too long."),
            )
            continue
        if route.is_to_be_found(item):
            return _note_look(item)
        return _note_intent(item)
    reach(Point.NONE_LEFT, lease.lane)
    lease.release(wake_at=None)
    return None


def _note_look(item: ItemT) -> Task[ItemT]:
    # Counted before it is made: what is shown of a message may kill who reads it.
    item.looks += 1
    item.save(update_fields=["looks"])
    return Task(item, is_to_be_found=True)


def _note_intent(item: ItemT) -> Task[ItemT]:
    item.state = ItemState.SENDING
    # Counted before the send: a message that kills its worker ends as failed.
    item.attempts += 1
    item.attempt_started_at = item.seen_at
    item.first_attempt_at = item.first_attempt_at or item.attempt_started_at
    item.last_error = ""
    item.save(update_fields=INTENT_FIELDS)
    return Task(item)


@transaction.atomic
def _advance_plainly(
    lease: Lease, route: Route[ItemT], step: Step[ItemT]
) -> Task[ItemT] | None:
    """Do what `advance` does, with no lock but the lane's; None: nothing was done.

    For one message after another, each of which arrives: what the bot is told of them
    is owed, and the locks that it takes are taken once for several.
    """
    if lease.renew():
        save_sent(route, step.task.item, step.done.result, owing=True)
        item = route.head()
        if item is not None and _goes_plainly(route, item):
            return _note_intent(item)
    transaction.set_rollback(True)
    return None


def _goes_plainly(route: Route[ItemT], item: ItemT) -> bool:
    is_new = item.state == ItemState.PENDING and not _is_exhausted(route, item)
    return is_new and route.is_plain(item) and route.hold(item) is None


def _is_exhausted(route: Route[ItemT], item: ItemT) -> bool:
    if item.looks >= MAX_LOOKS or (_is_old(route, item) and item.first_attempt_at):
        return True
    # What came of the last attempt is looked up all the same.
    return item.attempts >= route.max_attempts and not route.is_to_be_found(item)


def _is_old(route: Route[ItemT], item: ItemT) -> bool:
    return item.created_at < now() - route.max_age
