"""Look at one conversation where a read of all is not enough: at its end, above all."""

import logging
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F, QuerySet, Window
from django.db.models.functions import Now, RowNumber
from django.utils.timezone import now

from handoff import bulkheads, chat_systems, doorbell, lifecycle
from handoff.chat_systems import ChatSystem, Observation
from handoff.failpoints import Point, reach
from handoff.models import Callback, Handoff
from handoff.models.handoff import HandoffQuerySet
from handoff.models.lane import Direction
from handoff.relay import file_transfer, read_back, speaking
from handoff.relay.ingesting import take_in, untold, wants_files
from handoff.relay.observing import announce_end
from handoff.relay.routes import StillUnknown
from servicenow_auth.client import Instance
from servicenow_auth.exceptions import DeliveryError, Rejected

logger = logging.getLogger(__name__)

SWEEP_LIMIT = 200
# A few of one bot: the others' looks are due, too.
LOOKS_PER_BOT = 8
# A worker that died at a look is followed by another after so many calls' time.
LOOK_LEASE = 3
# From so many in a row nobody came back: no other is made.
MAX_LOOKS = 10
AFTER_TROUBLE = timedelta(seconds=60)
# An end that nobody could read the messages before is announced after this, marked.
END_PATIENCE = timedelta(seconds=60)
RETRY = timedelta(seconds=5)
# Where messages can't be read, one that the end overtook may still come.
STRAGGLERS = timedelta(seconds=3)
AGAIN_SOON = timedelta(seconds=1)


def look(handoff_id: UUID) -> None:
    """Read what is due to be read of one handoff, and take it in."""
    handoff = _claim(handoff_id)
    if handoff is None:
        return
    if handoff.looks > MAX_LOOKS:
        _set_aside(handoff)
        return
    _look(handoff)
    Handoff.objects.filter(pk=handoff.pk).update(looks=0)


def _look(handoff: Handoff) -> None:
    if not chat_systems.traits(handoff.bot).can_read:
        _announce_unread(handoff)
    elif ends_at := handoff.bot.connection.runtime.pause_ends_at:
        _look_later(handoff, after=ends_at - now())
    else:
        with bulkheads.share(handoff.bot_id, Direction.TO_SERVICENOW) as has_room:
            if has_room:
                _read(handoff)
            else:
                _look_again(handoff, after=AGAIN_SOON)


def _claim(handoff_id: UUID) -> Handoff | None:
    """Take a due look by moving its time: whoever moves it, looks."""
    due = Handoff.objects.filter(pk=handoff_id, poll_at__lte=Now())
    lease = settings.REQUEST_DEADLINE * LOOK_LEASE
    # Counted before it is made: what is shown may end whoever reads it.
    if not due.update(poll_at=Now() + lease, looks=F("looks") + 1):
        return None
    related = ("bot__connection__runtime", "bot__agent_chat")
    return Handoff.objects.select_related(*related).get(pk=handoff_id)


def _set_aside(handoff: Handoff) -> None:
    """Leave it to its callbacks: whoever read it was ended by that, ten in a row."""
    logger.error("look.set_aside", extra={"handoff_id": handoff.pk})
    Handoff.objects.filter(pk=handoff.pk).update(
        looks=MAX_LOOKS + 1, is_unreadable=True
    )
    _announce_unread(handoff)
    # Some may have waited for what a read would show.
    doorbell.ring_callbacks(bot_id=handoff.bot_id, group_id=handoff.group_id)


def _announce_unread(handoff: Handoff) -> None:
    """Announce an end where nothing can be read, after time for what it overtook."""
    if handoff.pending_end_at is None:
        _unless_wanted(handoff).update(poll_at=None)
        return
    rest = handoff.pending_end_at + STRAGGLERS - now()
    if rest <= timedelta(0) and _is_all_taken_in(handoff):
        with transaction.atomic():
            announce_end(lifecycle.lock(handoff.pk), complete=False)
    else:
        _look_again(handoff, after=max(rest, AGAIN_SOON))


def is_end_due(handoff: Handoff) -> bool:
    """Tell whether its end was kept back for as long as it may be."""
    return _is_end_older(handoff, END_PATIENCE)


def _is_end_older(handoff: Handoff, age: timedelta) -> bool:
    seen_at = handoff.pending_end_at
    return seen_at is not None and now() - seen_at > age


def _is_all_taken_in(handoff: Handoff) -> bool:
    """Tell whether no callback waits, as for a file; it may wait only so long."""
    waiting = Callback.objects.filter(
        bot=handoff.bot_id, group_id=handoff.group_id, state=Callback.State.STORED
    )
    return _is_end_older(handoff, END_PATIENCE * 2) or not waiting.exists()


def _unless_wanted(handoff: Handoff) -> QuerySet[Handoff]:
    """Return the handoff, unless somebody wanted a look while this one was made."""
    return Handoff.objects.filter(pk=handoff.pk, poll_at=handoff.poll_at)


def _look_again(handoff: Handoff, *, after: timedelta) -> None:
    _unless_wanted(handoff).update(poll_at=Now() + after)


def _read(handoff: Handoff) -> None:
    try:
        with Instance(handoff.bot.connection) as instance:
            system = chat_systems.connect(handoff.bot, instance)
            if handoff.pending_end is None:
                _look_at_state(handoff, system)
            if handoff.pending_end is not None or handoff.must_read:
                read_messages(handoff, system)
    except DeliveryError as exc:
        _unseen(handoff, exc)
    else:
        _unless_wanted(handoff).update(
            poll_at=None, must_read=False, is_unreadable=False
        )
        # Some may have waited for what the read would show.
        doorbell.ring_callbacks(bot_id=handoff.bot_id, group_id=handoff.group_id)


def _look_at_state(handoff: Handoff, system: ChatSystem) -> None:
    seen = system.observe(speaking.conversation(handoff))
    if seen is not None:
        seen = with_agent(handoff, seen, system=system)
        with transaction.atomic():
            take_in(lifecycle.lock(handoff.pk), seen)


def with_agent(
    handoff: Handoff, seen: Observation, *, system: ChatSystem
) -> Observation:
    """Add the name and picture of an agent who is new to us."""
    is_known = seen.agent_id == handoff.agent_id and bool(handoff.agent_name)
    if not seen.agent_id or is_known:
        return seen
    agent = system.agent(agent_id=seen.agent_id)
    if agent is None:
        return seen
    return replace(seen, agent_name=agent.name, agent_avatar_url=agent.avatar_url)


def read_messages(handoff: Handoff, system: ChatSystem) -> None:
    """Take in what was said and not told, then the end that waited for it."""
    since = speaking.first_word(handoff)
    messages = system.messages(speaking.conversation(handoff), since=since)
    known = set(handoff.messages.exclude(sys_id="").values_list("sys_id", flat=True))
    if known and known.isdisjoint(message.sys_id for message in messages):
        # Access rules leave rows out in silence: such a read proves nothing.
        raise StillUnknown("ServiceNow shows us none of the messages that it told.")
    news = [message for message in messages if message.sys_id not in known]
    missed = untold(handoff.bot_id, news)
    give_up = _is_end_older(handoff, END_PATIENCE / 2)
    held = {
        message.sys_id: file_transfer.fetch(handoff, system, message, give_up=give_up)
        for message in news
        if wants_files(handoff, message)
    }
    reach(Point.DURING_LOOK, handoff)
    with transaction.atomic():
        locked = lifecycle.lock(handoff.pk)
        for message in news:
            attachments = held.get(message.sys_id, [])
            recovered = message.sys_id in missed
            take_in(locked, message, attachments=attachments, recovered=recovered)
        read_back.note_late(messages, handoff=locked)
        # An end that became known after the read is told after the next one.
        if handoff.pending_end is not None:
            announce_end(locked, complete=True)


def _unseen(handoff: Handoff, exc: DeliveryError) -> None:
    logger.warning(
        "look.failed", extra={"handoff_id": handoff.pk, "detail": exc.detail}
    )
    if handoff.must_read and not isinstance(exc, Rejected):
        _look_later(handoff, after=RETRY)  # messages wait for it
        return
    _look_later(handoff, after=AFTER_TROUBLE)
    if handoff.must_read:
        Handoff.objects.filter(pk=handoff.pk).update(is_unreadable=True)
        doorbell.ring_callbacks(bot_id=handoff.bot_id, group_id=handoff.group_id)


def _look_later(handoff: Handoff, *, after: timedelta) -> None:
    """Put off a look that showed nothing; an end waits for it so long and no longer."""
    if handoff.pending_end_at is None:
        _look_again(handoff, after=after)
    elif not (is_end_due(handoff) and _is_all_taken_in(handoff)):
        _look_again(handoff, after=RETRY)
    else:
        with transaction.atomic():
            announce_end(lifecycle.lock(handoff.pk), complete=False)


def want_read(handoffs: HandoffQuerySet) -> list[UUID]:
    """Have the messages of open handoffs read soon; return those that can be read."""
    readable = handoffs.open().exclude(group_id="")
    readable = readable.exclude(bot__chat_system__in=chat_systems.unreadable())
    wanted = list(readable.values_list("pk", flat=True))
    Handoff.objects.filter(pk__in=wanted).update(must_read=True, poll_at=Now())
    return wanted


def read_now(handoffs: HandoffQuerySet) -> None:
    """Have the messages of a few handoffs read, and do not wait for the sweep."""
    for handoff_id in want_read(handoffs):
        doorbell.ring_look(handoff_id)


def sweep() -> None:
    """Ring for handoffs whose look is due, a few of each bot."""
    place = Window(RowNumber(), partition_by=F("bot"), order_by="poll_at")
    due = Handoff.objects.filter(poll_at__lte=Now()).annotate(place=place)
    in_turn = due.filter(place__lte=LOOKS_PER_BOT).order_by("place", "poll_at")
    for handoff_id in in_turn.values_list("pk", flat=True)[:SWEEP_LIMIT]:
        doorbell.ring("look_at_handoff", str(handoff_id))
