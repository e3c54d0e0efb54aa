"""What a bot is told: one event after the other, each in the caller's transaction.

The lock order is: lane to the bot, feed counter.
"""

from datetime import datetime
from typing import Any
from uuid import uuid5

from django.db.models import F
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
    lane = Lane.objects.get(handoff=handoff, direction=Direction.TO_BOT)
    event = Event(bot=handoff.bot, handoff=handoff, type=event_type, message=message)
    # What happens once has the same id in a database that was restored, and forgot it.
    if message is not None:
        event.id = uuid5(message.id, event_type)
    elif event_type in FINAL:
        event.id = uuid5(handoff.id, "final")
    return _append(lane, event, data)


def emit_for_bot(bot: Bot, event_type: str, data: dict[str, Any]) -> Event:
    """Tell the bot something that belongs to no handoff."""
    lane = Lane.objects.get(bot=bot, handoff=None)
    return _append(lane, Event(bot=bot, type=event_type), data)


def _append(lane: Lane, event: Event, data: dict[str, Any]) -> Event:
    wanted = bool(event.bot.webhook_url)
    event.lane, event.sequence = lane, lane.take_sequence(due=wanted)
    # The counter's row lock is held until commit, so numbers are committed in order
    # and a reader of the feed can never pass one that is still to come.
    counter = BotRuntime.objects.filter(bot=event.bot)
    counter.update(feed_sequence=F("feed_sequence") + 1)
    runtime = counter.get()
    event.feed_sequence = runtime.feed_sequence
    event.payload = _envelope(event, data)
    if wanted and runtime.webhook_disabled_at is None:
        doorbell.ring_lane(lane.pk)
    else:
        # The feed is how this bot is told, and the event is in it from the commit on.
        event.state, event.settled_at = ItemState.SENT, now()
    event.save(force_insert=True)
    return event


def begin_epoch() -> int:
    """Number all feeds anew, once the database has forgotten what was told last."""
    number = F("feed_sequence")
    return BotRuntime.objects.update(feed_sequence=number + EPOCH - number % EPOCH)


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
