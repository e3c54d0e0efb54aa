"""What is written down of an attempt, in the transaction of the lane's owner."""

import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Generic

from django.utils.timezone import now

from handoff.models import Attempt
from handoff.models.lane import ItemState
from handoff.relay.leases import Lease
from handoff.relay.routes import GaveUp, ItemT, NotThere, Route, Verdict
from servicenow_auth.exceptions import DeliveryError

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Done:
    """How an attempt ended."""

    result: object
    error: DeliveryError | None
    started_at: datetime


@dataclass(frozen=True)
class Task(Generic[ItemT]):
    """What the owner of a lane is to do next: send an item, or find its outcome."""

    item: ItemT
    is_to_be_found: bool = False


@dataclass(frozen=True)
class Step(Generic[ItemT]):
    """An attempt, kept in memory until the next transaction records it."""

    task: Task[ItemT]
    done: Done
    # Whether the worker's time for this lane lasts for another item.
    more: bool

    def is_plain(self, route: Route[ItemT]) -> bool:
        """Return whether to record it, too, concerns the lane alone."""
        is_sent = self.done.error is None and not self.task.is_to_be_found
        is_plain = is_sent and self.more and route.is_plain(self.task.item)
        return is_plain and route.may_owe()


def record(lease: Lease, route: Route[ItemT], step: Step[ItemT]) -> Verdict | None:
    """Record how an attempt ended; return how the lane goes on where it failed."""
    write = _record_finding if step.task.is_to_be_found else _record
    return write(lease, route, step.task.item, step.done)


def _record(
    lease: Lease, route: Route[ItemT], item: ItemT, done: Done
) -> Verdict | None:
    if done.error is None:
        settle(route, item, result=done.result)
        return None
    verdict = route.judge(item, done.error)
    _log(lease, item, done, verdict)
    if verdict.state == ItemState.FAILED:
        settle(route, item, error=done.error)
    else:
        item.attempts -= not verdict.counts
        item.state, item.last_error = verdict.state, str(done.error)[:300]
        item.save(update_fields=["state", "last_error", "attempts"])
    return verdict


def _record_finding(
    lease: Lease, route: Route[ItemT], item: ItemT, done: Done
) -> Verdict | None:
    """Record what a look at an item of unknown outcome showed.

    What is not there is pending again: the next intent may be its own.
    """
    item.looks = 0
    if done.error is None:
        settle(route, item, result=done.result)
        return None
    if isinstance(done.error, NotThere):
        item.state, item.last_error = ItemState.PENDING, str(done.error)[:300]
        item.save(update_fields=["state", "last_error", "looks"])
        return None
    if isinstance(done.error, GaveUp):
        settle(route, item, error=done.error)
        return None
    verdict = route.unfound(item, done.error)
    item.last_error = str(done.error)[:300]
    item.save(update_fields=["last_error", "looks"])
    return verdict


def settle(
    route: Route[ItemT],
    item: ItemT,
    *,
    result: object = None,
    error: DeliveryError | None = None,
) -> None:
    if error is None:
        save_sent(route, item, result)
        route.sent(item, result)
    else:
        item.state, item.last_error = ItemState.FAILED, str(error)[:300]
        item.settled_at = now()
        item.save(update_fields=item.SETTLED)
        route.failed(item, error)


def save_sent(
    route: Route[ItemT], item: ItemT, result: object, *, owing: bool = False
) -> None:
    item.state, item.last_error = ItemState.SENT, ""
    item.settled_at = now()
    route.bind(item, result)
    if owing:
        route.owe(item)
    item.save(update_fields=item.SETTLED)


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
