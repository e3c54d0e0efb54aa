"""From accepted to delivered: the lanes out, the inbox, and looks at ServiceNow."""

from django.utils.timezone import now

from handoff.failpoints import Point, reach
from handoff.models import Heartbeat
from handoff.models.lane import Direction
from handoff.relay import inbox, lanes, leases, looking, to_bot, to_servicenow


def drain(lane_id: int) -> None:
    """Carry a lane's items over, if it is due and nobody else does."""
    lease = leases.claim(lane_id)
    if lease is None:
        return
    lane = lease.lane
    reach(Point.AFTER_CLAIM, lane)
    if lane.direction == Direction.TO_SERVICENOW and lane.handoff is not None:
        lanes.drain(lease, to_servicenow.open_route(lane, lane.handoff))
    else:
        lanes.drain(lease, to_bot.open_route(lane))


def sweep() -> None:
    """Ring for all that is due; any number of sweeps at once is harmless."""
    lanes.sweep()
    inbox.sweep()
    looking.sweep()
    Heartbeat.objects.update_or_create(name="sweep", defaults={"at": now()})
