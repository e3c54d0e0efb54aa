"""From accepted to delivered: the lanes out, the inbox, and looks at ServiceNow."""

import time

from django.utils.timezone import now

from handoff import bulkheads, doorbell
from handoff.failpoints import Point, reach
from handoff.models import Heartbeat
from handoff.models.lane import Direction
from handoff.relay import (
    due,
    inbox,
    lanes,
    leases,
    looking,
    reconciling,
    to_bot,
    to_servicenow,
)

# After it a thread is for other bots, too.
TURN = 2.0  # seconds


def drain(lane_id: int) -> None:
    """Carry a lane's items over, if it is due and nobody else does.

    Then those of other lanes beside it, which may have found no room.
    """
    lane = leases.find(lane_id)
    if lane is None:
        return
    ends = time.monotonic() + TURN
    with bulkheads.share(lane.bot_id, Direction(lane.direction)) as has_room:
        lease = leases.take(lane) if has_room else None
        while lease is not None:
            _carry(lease)
            beside = due.beside(lane)
            if time.monotonic() > ends:
                for other in beside[:1]:
                    doorbell.ring("drain_lane", other.pk)
                return
            lease = next(filter(None, map(leases.take, beside)), None)


def _carry(lease: leases.Lease) -> None:
    lane = lease.lane
    reach(Point.AFTER_CLAIM, lane)
    if lane.direction == Direction.TO_SERVICENOW:
        lanes.drain(lease, to_servicenow.open_route(lane))
    else:
        lanes.drain(lease, to_bot.open_route(lane))


def sweep() -> None:
    """Ring for all that is due; any number of sweeps at once is harmless."""
    due.sweep()
    inbox.sweep()
    looking.sweep()
    reconciling.sweep()
    Heartbeat.objects.update_or_create(name="sweep", defaults={"at": now()})
