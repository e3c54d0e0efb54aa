"""A database restored from a backup is in the past: what it is told of itself.

It has forgotten what was committed since. So what it takes for unsent may have been
sent, conversations have gone on, and the numbers that it would give out next were
given out already.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
from django.db.models.functions import Coalesce, Now
from django.utils.timezone import now

from handoff import chat_systems, events
from handoff.exceptions import StillAtWork
from handoff.models import Bot, BotRuntime, Handoff, Heartbeat, Lane, Outgoing
from handoff.models.handoff import OPEN_STATES
from handoff.models.lane import UNSETTLED, ItemState
from handoff.relay import looking
from handoff.relay.read_back import OPEN, strays
from servicenow_auth.client import Instance

# Numbers within a handoff go on from the next multiple of this.
STRIDE = 10**6
# The sweep's heartbeat is younger while anything runs.
SILENCE = timedelta(seconds=30)
UNCERTAIN = "Perhaps it was sent: the database was restored from a backup since."


@dataclass(frozen=True)
class Restored:
    """How much of it there was."""

    items: int
    handoffs: int
    feeds: int


@transaction.atomic
def after_restore(*, since: datetime, force: bool = False) -> Restored:
    """Take for uncertain what may have happened after `since`, the backup's time.

    Nothing else may run on the database; StillAtWork where something does. To repeat
    it does no harm.
    """
    if not force:
        _refuse_while_at_work(since=since)
    handoffs = looking.want_read(Handoff.objects.all())
    items = _doubt_unsettled()
    _number_anew()
    _read_from_the_beginning()
    feeds = events.begin_epoch()
    return Restored(items=items, handoffs=len(handoffs), feeds=feeds)


def _refuse_while_at_work(*, since: datetime) -> None:
    """What the backup itself shows of workers is from before `since`."""
    beats = Heartbeat.objects.filter(at__gt=max(since, now() - SILENCE))
    leases = Lane.objects.filter(lease_until__gt=Now())
    if beats.exists() or leases.filter(lease_until__gt=since + settings.LANE_LEASE):
        raise StillAtWork("Processes are at work on this database: stop all of them.")


def _doubt_unsettled() -> int:
    """Have the outcome of every item to ServiceNow looked up before it is sent.

    The last attempt may have been made just before this.
    """
    unsettled = Outgoing.objects.filter(state__in=UNSETTLED)
    lanes = Lane.objects.filter(pk__in=unsettled.values("lane"))
    # A lease that is over, not none: what its owner had yet to tell is told then.
    lanes.update(wake_at=Now(), lease_until=Now() - timedelta(seconds=1))
    return unsettled.update(
        state=ItemState.SENDING,
        attempt_started_at=Now(),
        first_attempt_at=Coalesce("first_attempt_at", Now()),
        over_attempt=None,
        last_error=UNCERTAIN,
    )


def _number_anew() -> None:
    """Give out no number of an item or event again: by them repeats are known."""
    goes_on = Q(handoff=None) | Q(handoff__state__in=OPEN_STATES)
    Lane.objects.filter(goes_on).update(
        next_sequence=F("next_sequence") + STRIDE - F("next_sequence") % STRIDE
    )


def _read_from_the_beginning() -> None:
    """Trust no callback: those of the time that is forgotten were for nothing."""
    BotRuntime.objects.exclude(reconcile_at=None).update(
        reconcile_at=Now(), reconcile_from=None, callbacks_work_since=None
    )


@dataclass(frozen=True)
class Forgotten:
    """A chat that is open in ServiceNow as ours, and unknown here."""

    number: str
    queue_id: str


def forgotten_chats(bot: Bot) -> Iterator[Forgotten]:
    """Find what was opened after the backup, where queues can be read.

    Raises a DeliveryError.
    """
    if not chat_systems.traits(bot).can_read:
        return
    with Instance(bot.connection) as instance:
        system = chat_systems.connect(bot, instance)
        for queue_id in _queues(bot):
            free, _ = strays(system.entries(queue_id=queue_id), bot=bot)
            for entry in free:
                if entry.seen.state in OPEN:
                    yield Forgotten(number=entry.seen.number, queue_id=queue_id)


def _queues(bot: Bot) -> list[str]:
    used = Handoff.objects.filter(bot=bot).order_by().values_list("queue_id", flat=True)
    return sorted({bot.queue_id, *used.distinct()} - {""})
