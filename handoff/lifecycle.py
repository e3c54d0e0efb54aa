"""The state machine of a handoff, and what each of its moves brings about.

Every function here runs inside the caller's transaction. The lock order is: handoff,
lane to ServiceNow, lane to the bot, feed counter.
"""

from datetime import timedelta
from functools import partial
from typing import Any, cast
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, F
from django.db.models.functions import Coalesce, Now
from django.utils.timezone import now

from handoff import chat_systems, doorbell, events
from handoff.models import Bot, Handoff, Lane, Message, Outgoing
from handoff.models.bot import WithoutAgent
from handoff.models.handoff import EndedBy, Reason, State
from handoff.models.lane import UNSETTLED, Direction, ItemState

ALLOWED: dict[State, set[State]] = {
    State.REQUESTED: {State.QUEUED, State.ACCEPTED, State.FAILED},
    State.QUEUED: {State.ACCEPTED, State.FAILED},
    State.ACCEPTED: {State.ENDED},
    State.ENDED: set(),
    State.FAILED: set(),
}

# A reason is told in the words of the final state it led to.
BEFORE_ACCEPTANCE = {
    Reason.COMPLETED: Reason.REJECTED,
    Reason.CONVERSATION_GONE: Reason.REJECTED,
    Reason.IDLE_TIMEOUT: Reason.WAIT_TIMEOUT,
}
AFTER_ACCEPTANCE = {
    Reason.COMPLETED,
    Reason.USER_LEFT,
    Reason.BOT_ENDED,
    Reason.IDLE_TIMEOUT,
    Reason.CONVERSATION_GONE,
}
# Nobody was there: not that something did not work, nor that somebody went away.
WITHOUT_AGENT = {
    Reason.NO_AGENT_AVAILABLE,
    Reason.WAIT_TIMEOUT,
    Reason.QUEUE_CLOSED,
    Reason.OUTSIDE_BUSINESS_HOURS,
}
# How long the final event waits for the incident that it is to name.
TICKET_PATIENCE = timedelta(minutes=2)
# Nobody waits any more: what was told of the wait holds no longer.
NO_WAIT: dict[str, Any] = {"position": None, "wait_seconds": None, "wait_text": ""}


def lock(handoff_id: UUID, *, bot: Bot | None = None) -> Handoff:
    """Take the handoff's row lock, the first of the lock order.

    Its bot is read too, where the caller does not know it already. NO KEY: a lane's
    owner updates a row twice, which has its foreign keys looked up at the commit; that
    must not wait for this lock.
    """
    rows = Handoff.objects.select_for_update(of=("self",), no_key=True)
    if bot is None:
        rows = rows.select_related("bot__connection__runtime", "bot__agent_chat")
    handoff = rows.get(pk=handoff_id)
    handoff.bot = bot or handoff.bot
    return handoff


def lock_with_lane(*, handoff_id: UUID, bot: Bot) -> tuple[Handoff, Lane]:
    """Lock a bot's handoff, then its lane to ServiceNow, in one statement."""
    # The rows are locked in the order of `of`, and come as they are once locked.
    locked = Lane.objects.select_for_update(of=("handoff", "self"), no_key=True)
    known = locked.select_related("handoff").only(
        "bot", "handoff__state", "next_sequence", "wake_at"
    )
    lane = known.get(
        handoff=handoff_id, handoff__bot=bot, direction=Direction.TO_SERVICENOW
    )
    handoff = cast(Handoff, lane.handoff)
    handoff.bot = bot
    return handoff, lane


def _lock_lane(handoff: Handoff) -> Lane:
    lanes = Lane.objects.select_for_update(no_key=True)
    return lanes.get(handoff=handoff, direction=Direction.TO_SERVICENOW)


def move_to(handoff: Handoff, target: State, **fields: Any) -> bool:
    """Change state; return False when the machine does not allow it from here.

    The guarded UPDATE is the lock: when two workers read the same row, the second
    finds that nothing matched and learns that it was too late.
    """
    source = State(handoff.state)
    if target not in ALLOWED[source]:
        return False
    moved = Handoff.objects.filter(pk=handoff.pk, state=source).update(
        state=target, **fields
    )
    if moved:
        handoff.state = target
        for name, value in fields.items():
            setattr(handoff, name, value)
    return bool(moved)


def queue(lane: Lane, items: list[Outgoing], *, limit: int | None = None) -> bool:
    """Put items, in their order, into a lane to ServiceNow that the caller has locked.

    False, and nothing done, where `limit` items or more wait in it to be delivered.
    """
    row = Lane.objects.filter(pk=lane.pk)
    was_idle = lane.wake_at is None
    # Only a lane that was given so many can have so many waiting.
    if limit is not None and not was_idle and lane.next_sequence > limit:
        # Asked in the UPDATE, which sees what the lock's last holder committed.
        waiting = Outgoing.objects.filter(lane=lane, state__in=UNSETTLED)
        row = row.filter(~Exists(waiting[limit - 1 :]))
    # A lane that is backing off keeps its time: COALESCE, not now.
    wake_at = Coalesce("wake_at", Now())
    if not row.update(next_sequence=F("next_sequence") + len(items), wake_at=wake_at):
        return False
    for sequence, item in enumerate(items, start=lane.next_sequence):
        item.lane, item.sequence = lane, sequence
    lane.next_sequence += len(items)
    Outgoing.objects.bulk_create(items)
    # Who made it due has rung, and its owner or a sweep will find what is new.
    if was_idle:
        doorbell.ring_lane(lane.pk)
    return True


def leave(handoff: Handoff) -> None:
    """Put the end into the lane to ServiceNow, which goes on at once."""
    queue(_lock_lane(handoff), [Outgoing(kind=Outgoing.Kind.END)])
    wake(handoff)


def wake(handoff: Handoff) -> None:
    """Let the lane to ServiceNow go on, after the commit: the bot's may be locked."""
    lane = Lane.objects.get(handoff=handoff, direction=Direction.TO_SERVICENOW)
    transaction.on_commit(partial(_wake, lane.pk), robust=True)


def _wake(lane_id: int) -> None:
    waiting = Lane.objects.filter(pk=lane_id, wake_at__isnull=False)
    if waiting.update(wake_at=Now()):
        doorbell.ring_lane(lane_id)


def finish(
    handoff: Handoff,
    *,
    reason: Reason,
    ended_by: EndedBy,
    data: dict[str, Any] | None = None,
) -> bool:
    """Make a handoff final; return False when it was final already.

    That is announced at once, or with the number of an incident that is created first.
    """
    accepted = handoff.state == State.ACCEPTED
    if not accepted:
        reason = BEFORE_ACCEPTANCE.get(reason, reason)
    elif reason not in AFTER_ACCEPTANCE:
        reason = Reason.CONVERSATION_GONE
    told = {"reason": reason, "ended_by": ended_by, "final": True, **(data or {})}
    tell_delivered(handoff)
    moved = move_to(
        handoff,
        State.ENDED if accepted else State.FAILED,
        final_data=told,
        reason=reason,
        ended_by=ended_by,
        ended_at=now(),
        poll_at=None,
        pending_end=None,
        pending_end_at=None,
        **NO_WAIT,
    )
    if moved and _wants_ticket(handoff):
        _ask_for_ticket(handoff)
    elif moved:
        announce(handoff)
    return moved


def _wants_ticket(handoff: Handoff) -> bool:
    chosen = handoff.bot.without_agent == WithoutAgent.INCIDENT
    return chosen and handoff.reason in WITHOUT_AGENT


def _ask_for_ticket(handoff: Handoff) -> None:
    """Put an incident into the lane, after the end; the final event waits for it."""
    queue(_lock_lane(handoff), [Outgoing(kind=Outgoing.Kind.TICKET)])
    wake(handoff)
    waits = Handoff.objects.filter(pk=handoff.pk)
    waits.update(final_due_at=Now() + TICKET_PATIENCE)


def announce(handoff: Handoff, *, detail: str = "") -> None:
    """Send the one final event, unless that was done; `detail` is for people."""
    told = handoff.final_data
    if told is None:
        return
    if detail:
        told["detail"] = " ".join(filter(None, [told.get("detail"), detail]))
    handoff.final_data = handoff.final_due_at = None
    handoff.save(update_fields=["final_data", "final_due_at"])
    events.emit(handoff, f"handoff.{handoff.state}", {**told, "ticket": handoff.ticket})


def give_up_pending(handoff: Handoff, *, error: str) -> None:
    """Give up what of the conversation was never sent to ServiceNow, and say so."""
    # Callers go on to write into this lane, which is locked before the bot's.
    lane = _lock_lane(handoff)
    pending = Outgoing.objects.filter(lane=lane, state=ItemState.PENDING)
    pending = pending.exclude(kind=Outgoing.Kind.TICKET)
    items = list(pending.select_related("message").order_by("sequence"))
    pending.give_up(error=error)
    for message in dict.fromkeys(item.message for item in items if item.message):
        # The question has no name of the bot's: the final event is about it.
        if message.client_id is not None:
            message_failed(handoff, message, reason=error)


def close(
    handoff: Handoff, *, reason: Reason, ended_by: EndedBy, detail: str = ""
) -> bool:
    """Make a handoff final from our side, and leave what ServiceNow has of it."""
    if handoff.is_final:
        return False
    start = Outgoing.objects.get(lane__handoff=handoff, kind=Outgoing.Kind.START)
    is_begun = start.state != ItemState.PENDING
    if not is_begun or waits_for_agent(handoff):
        give_up_pending(handoff, error="The handoff ended before it was sent.")
    if is_begun:
        leave(handoff)
    data = {"detail": detail} if detail else {}
    return finish(handoff, reason=reason, ended_by=ended_by, data=data)


def waits_for_agent(handoff: Handoff) -> bool:
    """Tell whether messages have to wait: no agent is there yet, or none any more.

    During a survey the agent has gone, and the end is for later.
    """
    if not chat_systems.traits(handoff.bot).waits_for_agent:
        return False
    ends_at = handoff.pending_end_at
    is_ending = ends_at is not None and ends_at <= now()
    return is_ending or handoff.state in (State.REQUESTED, State.QUEUED)


def part_failed(
    handoff: Handoff, message: Message, *, item: Outgoing, error: str
) -> None:
    """Give up the rest of a message with its part, and tell of the message once."""
    others = message.parts.exclude(pk=item.pk)
    is_told = others.filter(state=ItemState.FAILED).exists()
    others.filter(state=ItemState.PENDING).give_up(error=error)
    if not is_told:
        message_failed(handoff, message, reason=error)


def message_failed(handoff: Handoff, message: Message, *, reason: str) -> None:
    _tell_of(handoff, message, "message.failed", reason=reason)


def message_delivered(handoff: Handoff, message: Message) -> None:
    if message.client_id is not None:
        _tell_of(handoff, message, "message.delivered")


def tell_delivered(handoff: Handoff) -> None:
    """Tell of the messages that arrived and were not told of yet, all at once."""
    owed = Outgoing.objects.filter(lane__handoff=handoff, is_untold=True)
    items = list(owed.select_related("message").order_by("sequence"))
    if items and not handoff.is_final:
        told = [_names(item.message) for item in items if item.message]
        events.emit_each(handoff, "message.delivered", told)
    if items:
        told_of = Outgoing.objects.filter(pk__in=[item.pk for item in items])
        told_of.update(is_untold=False)


def _tell_of(handoff: Handoff, message: Message, event_type: str, **data: str) -> None:
    """Tell what became of a message, unless all is over."""
    if not handoff.is_final:
        events.emit(handoff, event_type, {**_names(message), **data})


def _names(message: Message) -> dict[str, str | None]:
    return {"message_id": str(message.id), "id": message.client_id}
