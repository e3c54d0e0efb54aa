"""One worker at a time takes a lane's items, in order, to where they belong.

The guarantee rests on three rules. A lane is owned by who holds its newest fence, and
every transaction of the owner begins by proving and renewing that. The intent to send
an item is committed, in that same transaction, before a byte of it leaves. An item
whose outcome is not known stays `sending`, and is never sent again on a guess.
"""

import logging
import time
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import uniform

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now
from django.utils.timezone import now

from handoff import doorbell
from handoff.models import Attempt, Lane
from handoff.models.lane import ItemState
from handoff.relay.routes import GaveUp, ItemT, Route, Verdict
from servicenow_auth.exceptions import DeliveryError

logger = logging.getLogger(__name__)

# What lies between the renewal of a lease and the first byte: a commit, a connect.
MARGIN = timedelta(seconds=5)
SWEEP_LIMIT = 200
BACKOFF_CAP = timedelta(minutes=5)


@dataclass
class Lease:
    """The right to work on a lane while no newer fence was taken."""

    lane: Lane
    fence: int
    # time.monotonic() from before the transaction that renewed the lease last.
    renewed_at: float

    def renew(self) -> bool:
        """Prove ownership and extend it; the lane's row stays locked until commit."""
        began = time.monotonic()
        renewed = self._row().update(lease_until=Now() + settings.LANE_LEASE)
        self.renewed_at = began
        return bool(renewed)

    @property
    def send_before(self) -> float:
        """Return the time.monotonic() from which a send could outlive the lease."""
        slack = settings.LANE_LEASE - settings.REQUEST_DEADLINE - MARGIN
        return self.renewed_at + float(slack.total_seconds())

    def release(self, *, wake_at: datetime | None, reason: str = "") -> None:
        self._row().update(lease_until=None, wake_at=wake_at, stalled_reason=reason)

    def _row(self) -> QuerySet[Lane]:
        return Lane.objects.filter(pk=self.lane.pk, fence=self.fence)


@dataclass(frozen=True)
class Done:
    """How an attempt ended; kept in memory until the next transaction records it."""

    result: object
    error: DeliveryError | None
    started_at: datetime


def free() -> Q:
    """Return the condition of a lane that is due and nobody's."""
    return Q(wake_at__lte=Now()) & (Q(lease_until=None) | Q(lease_until__lt=Now()))


def claim(lane_id: int) -> Lease | None:
    """Take a due lane, or return None: somebody has it, or nothing is due.

    The row count of the conditional UPDATE is the arbiter; SELECT … FOR UPDATE SKIP
    LOCKED would be silently ignored on SQLite.
    """
    began = time.monotonic()
    with transaction.atomic():
        taken = Lane.objects.filter(free(), pk=lane_id).update(
            fence=F("fence") + 1, lease_until=Now() + settings.LANE_LEASE
        )
        if not taken:
            return None
        lane = Lane.objects.select_related("handoff", "bot__connection").get(pk=lane_id)
    return Lease(lane=lane, fence=lane.fence, renewed_at=began)


def drain(lease: Lease, opened: AbstractContextManager[Route[ItemT]]) -> None:
    """Send the lane's items one after the other until none may go."""
    budget = time.monotonic() + settings.DRAIN_BUDGET.total_seconds()
    with opened as route:
        item = advance(lease, route)
        while item is not None:
            done = _attempt(lease, route, item)
            more = time.monotonic() < budget
            item = advance(lease, route, item=item, done=done, more=more)


def _attempt(lease: Lease, route: Route[ItemT], item: ItemT) -> Done:
    started_at = now()
    try:
        result = route.send(item, send_before=lease.send_before)
    except DeliveryError as error:
        return Done(result=None, error=error, started_at=started_at)
    return Done(result=result, error=None, started_at=started_at)


@transaction.atomic
def advance(
    lease: Lease,
    route: Route[ItemT],
    *,
    item: ItemT | None = None,
    done: Done | None = None,
    more: bool = True,
) -> ItemT | None:
    """Record what became of `item`, and commit the intent to send the next one.

    Return the next item, or None when the lane is released or was lost to another
    worker; then what is not recorded stays `sending`.
    """
    route.lock()
    if not lease.renew():
        logger.warning("lane.lost", extra={"lane_id": lease.lane.pk})
        return None
    if item is not None and done is not None:
        verdict = _record(lease, route, item, done)
        if verdict is not None and verdict.wait is not None:
            lease.release(wake_at=now() + verdict.wait, reason=verdict.reason)
            return None
    if not more:
        lease.release(wake_at=now())
        doorbell.ring_lane(lease.lane.pk)
        return None
    return _intend(lease, route)


def _intend(lease: Lease, route: Route[ItemT]) -> ItemT | None:
    while (item := route.head()) is not None:
        hold = route.hold(item)
        if hold is not None:
            lease.release(wake_at=hold.until, reason=hold.reason)
            return None
        if _is_exhausted(route, item):
            _settle(
                route,
                item,
                error=GaveUp("Given up after too many attempts, or too long."),
            )
            continue
        item.state = ItemState.SENDING
        # Counted before the send: a message that kills its worker ends as failed.
        item.attempts += 1
        item.attempt_started_at = now()
        item.first_attempt_at = item.first_attempt_at or item.attempt_started_at
        item.last_error = ""
        item.save(update_fields=INTENT_FIELDS)
        return item
    lease.release(wake_at=None)
    return None


INTENT_FIELDS = [
    "state",
    "attempts",
    "attempt_started_at",
    "first_attempt_at",
    "last_error",
]


def _is_exhausted(route: Route[ItemT], item: ItemT) -> bool:
    was_tried = item.first_attempt_at is not None
    is_old = item.created_at < now() - route.max_age
    return (was_tried and is_old) or item.attempts >= route.max_attempts


def _record(
    lease: Lease, route: Route[ItemT], item: ItemT, done: Done
) -> Verdict | None:
    if done.error is None:
        _settle(route, item, result=done.result)
        return None
    verdict = route.judge(item, done.error)
    _log(lease, item, done, verdict)
    if verdict.state == ItemState.FAILED:
        _settle(route, item, error=done.error)
    else:
        item.attempts -= not verdict.counts
        item.state, item.last_error = verdict.state, str(done.error)[:300]
        item.save(update_fields=["state", "last_error", "attempts"])
    return verdict


def _settle(
    route: Route[ItemT],
    item: ItemT,
    *,
    result: object = None,
    error: DeliveryError | None = None,
) -> None:
    item.state = ItemState.SENT if error is None else ItemState.FAILED
    item.last_error = "" if error is None else str(error)[:300]
    item.settled_at = now()
    item.save(update_fields=["state", "last_error", "settled_at"])
    if error is None:
        route.sent(item, result)
    else:
        route.failed(item, error)


def _log(lease: Lease, item: ItemT, done: Done, verdict: Verdict) -> None:
    """Keep each attempt that failed; of one that succeeded the item itself tells."""
    outcome = type(done.error).__name__
    Attempt.objects.create(
        lane=lease.lane,
        sequence=item.sequence,
        number=item.attempts,
        started_at=done.started_at,
        outcome=outcome,
        detail=str(done.error)[:300],
    )
    logger.warning(
        "item.not_sent",
        extra={
            "lane_id": lease.lane.pk,
            "sequence": item.sequence,
            "outcome": outcome,
            "detail": str(done.error),
            "item_state": verdict.state,
        },
    )


def backoff(since: datetime | None) -> timedelta:
    """Return a random wait of up to the time that has passed, 1 s to 5 min."""
    passed = (now() - since).total_seconds() if since else 0.0
    ceiling = min(max(passed, 1.0), BACKOFF_CAP.total_seconds())
    return timedelta(seconds=uniform(ceiling / 2, ceiling))  # noqa: S311 - jitter


def sweep() -> int:
    """Ring for every lane that is due and free; return how many.

    It stands in for rings that were lost and ends backoffs and dead workers' leases.
    """
    due = Lane.objects.filter(free()).order_by("wake_at")
    ids = list(due.values_list("pk", flat=True)[:SWEEP_LIMIT])
    for lane_id in ids:
        doorbell.ring("drain_lane", lane_id)
    return len(ids)


def wake(lanes: QuerySet[Lane]) -> None:
    """Make waiting lanes due at once, for instance after a new authorization."""
    for lane_id in lanes.filter(wake_at__isnull=False).values_list("pk", flat=True):
        Lane.objects.filter(pk=lane_id, wake_at__isnull=False).update(wake_at=Now())
        doorbell.ring_lane(lane_id)
