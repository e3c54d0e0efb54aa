"""What ServiceNow shows of a handoff, told as states and events.

Callbacks and looks come in any order and repeat; the state machine lets each news in
once. Every function runs inside the caller's transaction, with the handoff locked.
"""

from datetime import timedelta
from typing import Any
from urllib.parse import urljoin

from django.db.models.functions import Now
from django.utils.timezone import now

from handoff import chat_systems, doorbell, events, lifecycle
from handoff.chat_systems import EntryState, Observation
from handoff.models import Handoff
from handoff.models.handoff import EndedBy, Reason, State

ENDS = {
    EntryState.CLOSED: (Reason.COMPLETED, EndedBy.AGENT),
    EntryState.LEFT: (Reason.USER_LEFT, EndedBy.USER),
    EntryState.ABANDONED: (Reason.USER_LEFT, EndedBy.USER),
    EntryState.SURVEY: (Reason.COMPLETED, EndedBy.AGENT),
    EntryState.TIMED_OUT: (Reason.IDLE_TIMEOUT, EndedBy.SYSTEM),
    EntryState.NO_AGENT: (Reason.NO_AGENT_AVAILABLE, EndedBy.SYSTEM),
    EntryState.TAKEN_BACK: (Reason.NOT_ROUTED, EndedBy.SYSTEM),
    EntryState.FAULTED: (Reason.FAULTED, EndedBy.SYSTEM),
    EntryState.GONE: (Reason.CONVERSATION_GONE, EndedBy.SYSTEM),
}
# How long a user may take to say how it was.
SURVEY_TIME = timedelta(minutes=10)


def observe(handoff: Handoff, seen: Observation) -> None:
    """Take in one observation."""
    if handoff.is_final:
        return
    if seen.state == EntryState.ESCALATED:
        return  # told by the entry in the other queue, and perhaps after it
    moved_on = bool(handoff.entry_id) and seen.entry_id not in ("", handoff.entry_id)
    _remember(handoff, entry_id=seen.entry_id, number=seen.number)
    if seen.state == EntryState.WAITING:
        _waiting(handoff, seen, moved_on=moved_on)
    elif seen.state == EntryState.ACCEPTED:
        _accepted(handoff, seen)
    elif seen.state in ENDS:
        if _was_accepted(seen):
            _accepted(handoff, seen)
        reason, ended_by = ENDS[seen.state]
        surveyed = (seen.state, handoff.state) == (EntryState.SURVEY, State.ACCEPTED)
        after = SURVEY_TIME if surveyed else timedelta(0)
        _ending(handoff, reason=reason, ended_by=ended_by, after=after)


def _remember(handoff: Handoff, **fields: Any) -> bool:
    """Store what was told and is new; return whether anything was."""
    news = {
        name: value
        for name, value in fields.items()
        if value not in ("", None) and value != getattr(handoff, name)
    }
    for name, value in news.items():
        setattr(handoff, name, value)
    if news:
        handoff.save(update_fields=list(news))
    return bool(news)


def _waiting(handoff: Handoff, seen: Observation, *, moved_on: bool) -> None:
    if handoff.state == State.ACCEPTED and not moved_on:
        return  # it was overtaken on its way
    news = _remember(
        handoff,
        position=seen.position,
        wait_text=seen.wait_text[:200],
        wait_seconds=seen.wait_seconds,
        queue_id=seen.queue_id,
    )
    if moved_on:
        handoff.agent_id = handoff.agent_name = handoff.agent_avatar_url = ""
        handoff.save(update_fields=["agent_id", "agent_name", "agent_avatar_url"])
        data = {"queue": handoff.queue_id, "agent": None}
        events.emit(handoff, "handoff.transferred", data)
    elif lifecycle.move_to(handoff, State.QUEUED, queued_at=now()):
        events.emit(handoff, "handoff.queued", _wait_of(handoff))
    elif news and handoff.state == State.QUEUED:
        events.emit(handoff, "handoff.wait_time.updated", _wait_of(handoff))


def _wait_of(handoff: Handoff) -> dict[str, Any]:
    return {
        "position": handoff.position,
        "wait_seconds": handoff.wait_seconds,
        "wait_text": handoff.wait_text or None,
    }


def _accepted(handoff: Handoff, seen: Observation) -> None:
    is_another = _is_another_agent(handoff, seen)
    _remember(
        handoff,
        agent_id=seen.agent_id,
        agent_name=seen.agent_name[:200],
        agent_avatar_url=picture(handoff, seen.agent_avatar_url),
    )
    data = {"agent": handoff.agent}
    if lifecycle.move_to(
        handoff, State.ACCEPTED, accepted_at=now(), **lifecycle.NO_WAIT
    ):
        lifecycle.wake(handoff)
        events.emit(handoff, "handoff.accepted", data)
    elif is_another:
        events.emit(handoff, "handoff.transferred", data)


def _is_another_agent(handoff: Handoff, seen: Observation) -> bool:
    """Tell a change of the agent from one whose name comes after he accepted.

    A queue entry names its agent at once; where there is none, an id or a name may
    come with his first message only.
    """
    before, after = (
        (handoff.agent_id, seen.agent_id)
        if seen.agent_id
        else (handoff.agent_name, seen.agent_name)
    )
    return bool(after) and after != before and bool(before or seen.entry_id)


def picture(handoff: Handoff, address: str) -> str:
    """Return the whole address of a picture that ServiceNow named by its path."""
    if not address:
        return ""
    whole = urljoin(f"{handoff.bot.connection.host_url}/", address)
    fits = len(whole) <= 500 and whole.startswith(("https://", "http://"))
    return whole if fits else ""


def _was_accepted(seen: Observation) -> bool:
    """Tell by its end that an agent had it, where nothing told before."""
    closed_by_agent = seen.state == EntryState.CLOSED and bool(seen.agent_id)
    return closed_by_agent or seen.state == EntryState.LEFT


def _ending(
    handoff: Handoff, *, reason: Reason, ended_by: EndedBy, after: timedelta
) -> None:
    """Note the end; it may have overtaken the last message, so a look comes first.

    What ended first counts; but nobody waits for a survey that is over.
    """
    ends_at = now() + after
    if handoff.pending_end_at is not None and handoff.pending_end_at <= ends_at:
        return
    if handoff.pending_end is None:
        handoff.pending_end = {"reason": reason, "ended_by": ended_by}
    handoff.pending_end_at = ends_at
    Handoff.objects.filter(pk=handoff.pk).update(
        pending_end=handoff.pending_end,
        pending_end_at=Now() + after,
        poll_at=Now() + after,
    )
    if not after:
        doorbell.ring_look(handoff.pk)


def announce_end(handoff: Handoff, *, complete: bool) -> None:
    """Tell the bot of the end; `complete`: all messages before it were read."""
    if handoff.pending_end is None:
        return
    lifecycle.give_up_pending(
        handoff, error="The conversation was closed before it was sent."
    )
    if chat_systems.traits(handoff.bot).ends_twice and not handoff.is_final:
        lifecycle.leave(handoff)
    lifecycle.finish(
        handoff,
        reason=Reason(handoff.pending_end["reason"]),
        ended_by=EndedBy(handoff.pending_end["ended_by"]),
        data={"messages_complete": complete},
    )
