"""Which lanes are to be worked on, so that no bot's many keep another's one waiting."""

from datetime import datetime

from django.conf import settings
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Window
from django.db.models.functions import Now, RowNumber

from handoff import doorbell
from handoff.models import Lane
from handoff.models.lane import Direction

SWEEP_LIMIT = 200
# Of one bot in one direction; whoever drains a lane goes on with those beside it.
LANES_PER_BOT = 8
CANDIDATES = 4


def free() -> Q:
    """Return the condition of a lane that is due and nobody's."""
    return Q(wake_at__lte=Now()) & (Q(lease_until=None) | Q(lease_until__lt=Now()))


def room(lane: Lane) -> Q:
    """Return the condition under which its instance may get one more call.

    A lane's owner makes one call at a time, and renews its lease before it. Of claims
    made at the same moment more may pass than there is room for.
    """
    if lane.direction == Direction.TO_BOT:
        return Q()
    most = settings.CALLS_PER_CONNECTION
    allowed = min(lane.bot.connection.runtime.calls_allowed or most, most)
    calling = Lane.objects.filter(
        bot=lane.bot_id,
        direction=lane.direction,
        # True of every lane in somebody's hands; there is an index on it.
        wake_at__lte=Now(),
        lease_until__gt=Now() + settings.LANE_LEASE - settings.REQUEST_DEADLINE,
    )
    return ~Q(Exists(calling[allowed - 1 :]))


def beside(lane: Lane) -> list[Lane]:
    """Return a few lanes of the same bot and direction, the longest due first."""
    same = _ready().filter(bot=lane.bot_id, direction=lane.direction)
    found = list(same.order_by("wake_at")[:CANDIDATES])
    for other in found:
        other.bot = lane.bot
    return found


def stuck(*, since: datetime) -> QuerySet[Lane]:
    """Return the lanes that were due before, with nobody at them nor beside them."""
    beside = Lane.objects.filter(
        bot=OuterRef("bot"), direction=OuterRef("direction"), lease_until__gt=Now()
    )
    due = _ready().filter(wake_at__lt=since)
    return due.exclude(Exists(beside.filter(wake_at__lte=Now())))


def sweep() -> int:
    """Ring for lanes that are due and free, a few of each bot; return how many.

    It stands in for rings that were lost and ends backoffs and dead workers' leases.
    """
    place = Window(
        RowNumber(), partition_by=[F("bot"), F("direction")], order_by="wake_at"
    )
    due = _ready().annotate(place=place).filter(place__lte=LANES_PER_BOT)
    in_turn = due.order_by("place", "wake_at")
    ids = list(in_turn.values_list("pk", flat=True)[:SWEEP_LIMIT])
    for lane_id in ids:
        doorbell.ring("drain_lane", lane_id)
    return len(ids)


def wake(lanes: QuerySet[Lane]) -> None:
    """Make waiting lanes due, for instance after a new authorization; a sweep rings."""
    lanes.filter(wake_at__isnull=False).update(wake_at=Now())


def _ready() -> QuerySet[Lane]:
    """Return the lanes that are due and free, but for what waits with its far side."""
    paused = Q(
        direction=Direction.TO_SERVICENOW,
        bot__connection__runtime__paused_until__gt=Now(),
    ) | Q(direction=Direction.TO_BOT, bot__runtime__webhook_paused_until__gt=Now())
    return Lane.objects.filter(free()).exclude(paused)
