"""What a bot is told: one event after the other, each in the caller's transaction.

The lock order is: lane to the bot, feed counter.
"""

from datetime import datetime
from typing import Any
from uuid import uuid5

from django.db.models import BigIntegerField, F, Q, Value
from django.db.models.functions import Coalesce, Now
from django.utils.timezone import now

from handoff import doorbell
from handoff.models import Bot, BotRuntime, Event, Handoff, Lane, Message
from handoff.models.handoff import Reason, State
from handoff.models.lane import Direction, ItemState

FINAL = {"handoff.ended", "handoff.failed"}
# After a restore numbers go on from the next multiple: above all that were forgotten.
EPOCH = 10**12
GONE_BY_THEMSELVES = {Reason.USER_LEFT, Reason.BOT_ENDED}


def emit(
    handoff: Handoff,
    event_type: str,
    data: dict[str, Any],
    *,
    message: Message | None = None,
) -> Event:
    """Tell the bot something about a handoff, in the order of the calls."""
    if event_type.startswith("handoff."):
        text = handoff.bot.text_for(event_type, language=handoff.language)
        # Who went away by himself was not failed by anybody.
        went = handoff.state == State.FAILED and handoff.reason in GONE_BY_THEMSELVES
        data = {**data, "text": None if went else text}
    lane = _lock(Q(handoff=handoff, direction=Direction.TO_BOT))
    event = Event(bot=handoff.bot, handoff=handoff, type=event_type, message=message)
    # What happens once has the same id in a database that was restored, and forgot it.
    if message is not None:
        event.id = uuid5(message.id, event_type)
    elif event_type in FINAL:
        event.id = uuid5(handoff.id, "final")
    _append(lane, [event], [data])
    return event


def emit_each(handoff: Handoff, event_type: str, told: list[dict[str, Any]]) -> None:
    """Tell the bot several things of one type at once, in their order."""
    lane = _lock(Q(handoff=handoff, direction=Direction.TO_BOT))
    events = [Event(bot=handoff.bot, handoff=handoff, type=event_type) for _ in told]
    _append(lane, events, told)


def emit_for_bot(bot: Bot, event_type: str, data: dict[str, Any]) -> Event:
    """Tell the bot something that belongs to no handoff."""
    lane = _lock(Q(bot=bot, handoff=None))
    event = Event(bot=bot, type=event_type)
    _append(lane, [event], [data])
    return event


def _lock(which: Q) -> Lane:
    """Lock a lane to the bot, then the bot's runtime, in one statement.

    Both stay locked until commit, so numbers are committed in order, and a reader of
    the feed can never pass one that is still to come.
    """
    # The rows are locked in the order of `of`, and come as they are once locked.
    locked = Lane.objects.select_for_update(of=("self", "bot__runtime"), no_key=True)
    known = locked.select_related("bot__runtime").only(
        "next_sequence",
        "wake_at",
        "bot__runtime__feed_sequence",
        "bot__runtime__webhook_disabled_at",
    )
    # Every bot has one; said so that PostgreSQL may lock it.
    return known.get(which, bot__runtime__isnull=False)


def _append(lane: Lane, events: list[Event], told: list[dict[str, Any]]) -> None:
    """Number events in their order and store them; the caller has locked the lane."""
    runtime = lane.bot.runtime
    by_webhook = bool(events[0].bot.webhook_url) and runtime.webhook_disabled_at is None
    for number, (event, data) in enumerate(zip(events, told, strict=True)):
        event.lane, event.sequence = lane, lane.next_sequence + number
        event.feed_sequence = runtime.feed_sequence + 1 + number
        event.payload = _envelope(event, data)
        if not by_webhook:
            # The feed is how this bot is told; the event is in it from the commit on.
            event.state, event.settled_at = ItemState.SENT, now()
    _take_numbers(lane, len(events), due=by_webhook)
    Event.objects.bulk_create(events)
    # Who made it due has rung, and its owner or a sweep will find what is new.
    if by_webhook and lane.wake_at is None:
        doorbell.ring_lane(lane.pk)


def _take_numbers(lane: Lane, count: int, *, due: bool) -> None:
    # A lane that is backing off keeps its time: COALESCE, not now.
    wake_at = Coalesce("wake_at", Now()) if due else F("wake_at")
    rows = Lane.objects.filter(pk=lane.pk)
    rows.update(next_sequence=F("next_sequence") + count, wake_at=wake_at)
    counter = BotRuntime.objects.filter(pk=lane.bot_id)
    counter.update(feed_sequence=F("feed_sequence") + count)


def begin_epoch() -> int:
    """Number all feeds anew, once the database has forgotten what was told last."""
    number = F("feed_sequence")
    # Said of which size: it is more than an integer of the database holds.
    epoch = Value(EPOCH, output_field=BigIntegerField())
    return BotRuntime.objects.update(feed_sequence=number + epoch - number % epoch)


def is_forgotten(bot: Bot, *, number: int) -> bool:
    """Tell whether a number is ahead of the feed, or was of an event now forgotten."""
    newest = bot.runtime.feed_sequence
    if number > newest or number // EPOCH == newest // EPOCH:
        return number > newest
    return number > 0 and not bot.events.filter(feed_sequence=number).exists()


def timestamp(moment: datetime) -> str:
    """Return a time in UTC as it stands in events."""
    return moment.isoformat().replace("+00:00", "Z")


def _envelope(event: Event, data: dict[str, Any]) -> dict[str, Any]:
    """Return the event as the bot gets it, by webhook and in the feed."""
    handoff = event.handoff
    return {
        "id": str(event.id),
        "type": event.type,
        "timestamp": timestamp(event.created_at),
        "sequence": event.sequence,
        "feed_sequence": event.feed_sequence,
        "handoff": handoff
        and {
            "id": str(handoff.id),
            "conversation_id": handoff.conversation_id,
            "state": handoff.state,
            "metadata": handoff.metadata,
        },
        "data": data,
    }
