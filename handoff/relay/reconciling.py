"""Read all open handoffs of a bot at one go, as often as it takes.

Callbacks come late, twice, in another order or not at all. Once they were seen to work
they are trusted for a minute at a time, and until then for POLL_INTERVAL.
"""

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db.models import Exists, F, OuterRef, QuerySet
from django.db.models.functions import Coalesce, Least, Now
from django.utils.timezone import now

from handoff import bulkheads, chat_systems, doorbell
from handoff.models import Bot, BotRuntime, Handoff
from handoff.models.lane import Direction
from handoff.relay import looking
from handoff.relay.recovering import Found, Hidden, recover
from servicenow_auth.answers import rate_limit
from servicenow_auth.client import Instance
from servicenow_auth.exceptions import (
    AnswerTooLarge,
    DeliveryError,
    Rejected,
)

logger = logging.getLogger(__name__)

SWEEP_LIMIT = 200
# Conversations that one read asks for: their ids go into its address.
AT_ONCE = 100
# What was read last is read again: times are whole seconds, and rows come late.
OVERLAP = timedelta(minutes=5)
# A worker that died at it is followed by another after this.
LEASE = timedelta(seconds=90)
# From so many in a row nobody came back: a look at each finds out at which it is.
MAX_READS = 2
NOT_SURVIVED = (
    "The last reads of all chats at one go broke off: each is read by itself for now."
)
# Other calls of the bot have all the threads that are its.
NO_ROOM = timedelta(seconds=1)
# Callbacks that worked for so long are trusted, and reads become SLOWER times rarer.
TRUSTED_AFTER = timedelta(minutes=10)
SLOWER = 4
# Of the calls that ServiceNow allows us in an hour.
SHARE = 0.2
# A callback about something younger may be on its way.
YOUNG = timedelta(seconds=5)
# What it costs to read one conversation by itself.
LOOK_CALLS = 2


def include(handoff: Handoff, *, opened_at: datetime | None) -> None:
    """Read a conversation with the others from now on.

    Inside the caller's transaction, of whose locks the bot's runtime is the last.
    """
    soon = Now() + settings.POLL_INTERVAL
    # Also where one is due: a read that began before must not be the bot's last.
    BotRuntime.objects.filter(bot=handoff.bot_id).update(
        reconcile_at=Least(Coalesce("reconcile_at", soon), soon)
    )
    if opened_at is not None and now() - opened_at > OVERLAP / 2:
        # Known this late, it may hold what was written before the next read begins.
        looking.want_read(Handoff.objects.filter(pk=handoff.pk))


def reconcile(bot_id: UUID) -> None:
    """Make the read that is due."""
    bot = _claim(bot_id)
    if bot is None:
        return
    handoffs = list(_included(bot))
    if not handoffs:
        _rest(bot)
    elif bot.runtime.reads > MAX_READS:
        _leave_to_looks(bot, handoffs, NOT_SURVIVED)
        _again(bot, after=interval(bot.runtime))
    elif ends_at := bot.connection.runtime.pause_ends_at:
        _again(bot, after=ends_at - now())
    else:
        with bulkheads.share(bot.pk, Direction.TO_SERVICENOW) as has_room:
            if has_room:
                _read(bot, handoffs)
            else:
                _again(bot, after=NO_ROOM)
    BotRuntime.objects.filter(bot=bot).update(reads=0)


def _claim(bot_id: UUID) -> Bot | None:
    """Take a due read by moving its time: whoever moves it, reads."""
    due = BotRuntime.objects.filter(bot=bot_id, reconcile_at__lte=Now())
    # Counted before it is made: what is shown may end whoever reads it.
    if not due.update(reconcile_at=Now() + LEASE, reads=F("reads") + 1):
        return None
    related = ("runtime", "connection__runtime", "agent_chat")
    return Bot.objects.select_related(*related).get(pk=bot_id)


def _included(bot: Bot) -> QuerySet[Handoff]:
    opened = bot.handoffs.open().exclude(group_id="").order_by("created_at")
    opened = opened.filter(looks__lte=looking.MAX_LOOKS)
    return opened.select_related("bot__connection__runtime", "bot__agent_chat")


def _read(bot: Bot, handoffs: list[Handoff]) -> None:
    with Instance(bot.connection) as instance:
        try:
            found = _recover(bot, handoffs, instance)
        except (Rejected, AnswerTooLarge, Hidden) as exc:
            _leave_to_looks(bot, handoffs, exc.detail)
            calls = instance.calls + LOOK_CALLS * len(handoffs)
            least = _least_wait(instance, calls=calls)
            _again(bot, after=max(interval(bot.runtime), least))
        except DeliveryError as exc:
            _put_off(bot, exc)
        else:
            _note(bot, found, instance)


def _recover(bot: Bot, handoffs: list[Handoff], instance: Instance) -> Found:
    """Take in what is new; all of it is committed when this returns."""
    runtime, clock = bot.runtime, _clock(bot)
    oldest = handoffs[0].created_at + clock
    since = runtime.reconcile_from or oldest - OVERLAP
    read_at = now() + clock
    found = Found()
    for some in _batches(handoffs):
        found += recover(
            some,
            system=chat_systems.connect(bot, instance),
            since=since,
            not_after=read_at - YOUNG if runtime.callbacks_work_since else None,
        )
    runtime.reconcile_from = found.cut_at or read_at - OVERLAP
    return found


def _clock(bot: Bot) -> timedelta:
    """Return how far ServiceNow's clock is ahead of ours."""
    return timedelta(seconds=bot.connection.runtime.clock_offset or 0)


def _batches(handoffs: list[Handoff]) -> Iterator[list[Handoff]]:
    for place in range(0, len(handoffs), AT_ONCE):
        yield handoffs[place : place + AT_ONCE]


def _note(bot: Bot, found: Found, instance: Instance) -> None:
    runtime = bot.runtime
    runtime.reading_error = ""
    if found.untold:
        runtime.recovered_at, runtime.callbacks_work_since = now(), None
    elif found.told and runtime.callbacks_work_since is None:
        runtime.callbacks_work_since = now()
    runtime.save(
        update_fields=[
            "reconcile_from",
            "reading_error",
            "recovered_at",
            "callbacks_work_since",
        ]
    )
    wait = timedelta(0) if found.cut_at else interval(runtime)
    _again(bot, after=max(wait, _least_wait(instance, calls=instance.calls)))


def interval(runtime: BotRuntime) -> timedelta:
    """Return the time between two reads, as far as ServiceNow's limit allows it."""
    since = runtime.callbacks_work_since
    is_trusted = since is not None and now() - since >= TRUSTED_AFTER
    return settings.POLL_INTERVAL * (SLOWER if is_trusted else 1)


def _least_wait(instance: Instance, *, calls: int) -> timedelta:
    """Return for how long so many calls must do, to stay within our share."""
    limit = rate_limit(instance.headers)
    return timedelta(hours=calls / (limit * SHARE)) if limit else timedelta(0)


def _leave_to_looks(bot: Bot, handoffs: list[Handoff], detail: str) -> None:
    """Have each conversation read by itself, through a door that may be open to us."""
    logger.warning("reconcile.not_shown", extra={"bot_id": bot.pk, "detail": detail})
    BotRuntime.objects.filter(bot=bot).update(reading_error=detail[:300])
    looking.want_read(Handoff.objects.filter(pk__in=[one.pk for one in handoffs]))


def _put_off(bot: Bot, exc: DeliveryError) -> None:
    logger.warning("reconcile.failed", extra={"bot_id": bot.pk, "detail": exc.detail})
    _again(bot, after=settings.POLL_INTERVAL)


def _again(bot: Bot, *, after: timedelta) -> None:
    """Set the time of the next read, unless somebody wanted it sooner."""
    _as_claimed(bot).update(reconcile_at=Now() + after)


def _rest(bot: Bot) -> None:
    """Read no more while nothing is open."""
    opened = Handoff.objects.open().filter(bot=OuterRef("bot")).exclude(group_id="")
    _as_claimed(bot).exclude(Exists(opened)).update(
        reconcile_at=None, reconcile_from=None, callbacks_work_since=None
    )


def _as_claimed(bot: Bot) -> QuerySet[BotRuntime]:
    claimed_until = bot.runtime.reconcile_at
    return BotRuntime.objects.filter(bot=bot, reconcile_at=claimed_until)


def sweep() -> None:
    """Ring for bots whose read is due."""
    due = BotRuntime.objects.filter(reconcile_at__lte=Now()).order_by("reconcile_at")
    for bot_id in due.values_list("bot", flat=True)[:SWEEP_LIMIT]:
        doorbell.ring("reconcile", str(bot_id))
