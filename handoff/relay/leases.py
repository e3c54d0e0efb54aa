"""Who may work on a lane: whoever took its newest fence, until the lease is over.

All times are the database's, but for what one process measures for itself.
"""

import time
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db.models import QuerySet
from django.db.models.functions import Now

from handoff.models import Lane
from handoff.relay import due
from handoff.relay.routes import Time

# What lies between the renewal of a lease and the first byte: a commit, a connect.
MARGIN = timedelta(seconds=5)


def slack() -> timedelta:
    """Return how long after the renewal of a lease a send may begin at the latest."""
    lasts = settings.LANE_LEASE - settings.REQUEST_DEADLINE - MARGIN
    return min(lasts, settings.REQUEST_DEADLINE)


def may_arrive_for() -> timedelta:
    """Return how long after an intent ServiceNow may still apply what was sent."""
    return slack() + settings.REQUEST_DEADLINE + settings.SETTLE_TIME


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
        """Return the time.monotonic() from which a send is too late.

        It could outlive the lease, or what is taken for the time of its arrival.
        """
        return self.renewed_at + slack().total_seconds()

    @property
    def expires_at(self) -> float:
        """Return the time.monotonic() at which anybody may take the lane."""
        return self.renewed_at + float(settings.LANE_LEASE.total_seconds())

    def release(self, *, wake_at: Time | None, reason: str = "") -> None:
        self._row().update(lease_until=None, wake_at=wake_at, stalled_reason=reason)

    def _row(self) -> QuerySet[Lane]:
        return Lane.objects.filter(pk=self.lane.pk, fence=self.fence)


def claim(lane_id: int) -> Lease | None:
    """Take a due lane, or return None: somebody has it, or nothing is due."""
    lane = find(lane_id)
    return take(lane) if lane else None


def find(lane_id: int) -> Lane | None:
    """Return a lane with all that a drain of it needs to know."""
    known = Lane.objects.select_related("bot__connection__runtime")
    return known.filter(pk=lane_id).first()


def take(lane: Lane) -> Lease | None:
    """Take a lane as it was found, if it is due, nobody's, and its far side has room.

    The row count of the conditional UPDATE is the arbiter; SELECT … FOR UPDATE SKIP
    LOCKED would be silently ignored on SQLite.
    """
    began = time.monotonic()
    row = Lane.objects.filter(due.free(), due.room(lane), pk=lane.pk, fence=lane.fence)
    fence = lane.fence + 1
    if not row.update(fence=fence, lease_until=Now() + settings.LANE_LEASE):
        return None
    lane.fence = fence
    return Lease(lane=lane, fence=fence, renewed_at=began)
