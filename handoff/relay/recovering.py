"""What a read of many conversations shows, next to what we know of them.

What callbacks told is seen again and changes nothing; the rest is taken in and marked
as recovered.
"""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models.functions import Now
from django.utils.timezone import now

from handoff import lifecycle
from handoff.chat_systems import (
    ChatSystem,
    EntryState,
    InboundMessage,
    Observation,
)
from handoff.failpoints import Point, reach
from handoff.models import Handoff, Message
from handoff.models.handoff import State
from handoff.relay import looking
from handoff.relay.ingesting import take_in, untold, wants_files
from handoff.relay.observing import ENDS
from servicenow_auth.exceptions import Rejected

STANDS = {EntryState.WAITING: State.QUEUED, EntryState.ACCEPTED: State.ACCEPTED}
# Times of one message in a row and in Connect's JSON differ by less.
ROUNDED = timedelta(seconds=2)
NO_CHATS = "ServiceNow shows us none of the chats that we opened."
NO_MESSAGES = "ServiceNow shows us none of the messages that it told us of."


class Hidden(Exception):
    """A read left out what must be there, so that it proves nothing."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


@dataclass(frozen=True, kw_only=True)
class Found:
    """Whether reads showed what callbacks had told, and what they had not."""

    told: bool = False
    untold: bool = False
    # Up to where they went, if there was more.
    cut_at: datetime | None = None

    def __add__(self, other: "Found") -> "Found":
        cuts = [at for at in (self.cut_at, other.cut_at) if at]
        return Found(
            told=self.told or other.told,
            untold=self.untold or other.untold,
            cut_at=min(cuts, default=None),
        )


def recover(
    handoffs: list[Handoff],
    *,
    system: ChatSystem,
    since: datetime,
    not_after: datetime | None,
) -> Found:
    """Take in what is new of some handoffs; what came after `not_after` may wait.

    Messages are read before the states, so that no agent speaks before he accepts.
    """
    read_at = now()
    group_ids = [handoff.group_id for handoff in handoffs]
    written = system.written(group_ids=group_ids, since=since)
    standing = _standing(system, group_ids)
    known = _known(handoffs, written.messages)
    if not standing and any(handoff.entry_id for handoff in handoffs):
        raise Hidden(NO_CHATS)
    if not known and _is_expected(handoffs, since=since, read_at=read_at):
        raise Hidden(NO_MESSAGES)
    found = Found(told=False in known.values(), cut_at=written.until)
    unknown = [said for said in written.messages if said.sys_id not in known]
    for handoff in handoffs:
        seen = _seen_of(handoff, standing, not_after=not_after)
        news = _news_of(handoff, unknown, not_after=not_after)
        found += _take_in(handoff, seen, news, system=system)
    return found


def _standing(system: ChatSystem, group_ids: list[str]) -> dict[str, Observation]:
    """Return how each stands, with the places of those who wait."""
    standing = {seen.group_id: seen for seen in system.standing(group_ids=group_ids)}
    waiting = [seen for seen in standing.values() if seen.state == EntryState.WAITING]
    for queue_id in {seen.queue_id for seen in waiting if seen.queue_id}:
        with suppress(Rejected):  # the place in a line is not worth a read
            for placed in system.line(queue_id=queue_id):
                shown = standing.get(placed.group_id)
                if shown and shown.entry_id == placed.entry_id:
                    standing[placed.group_id] = placed
    return standing


def _known(handoffs: list[Handoff], shown: list[InboundMessage]) -> dict[str, bool]:
    """Return the messages that we have, and of each whether it had to be recovered."""
    names = [said.sys_id for said in shown if said.sys_id]
    stored = Message.objects.filter(handoff__in=handoffs, sys_id__in=names)
    return dict(stored.values_list("sys_id", "recovered"))


def _is_expected(
    handoffs: list[Handoff], *, since: datetime, read_at: datetime
) -> bool:
    """Tell whether a read must show some message that we have."""
    stored = Message.objects.filter(handoff__in=handoffs).exclude(sys_id="")
    return stored.filter(sent_at__gt=since + ROUNDED, created_at__lt=read_at).exists()


def _seen_of(
    handoff: Handoff, standing: dict[str, Observation], *, not_after: datetime | None
) -> Observation | None:
    """Return how it stands, where that is news; have looked at what is not shown."""
    seen = standing.get(handoff.group_id)
    if seen is None:
        _ask_for_look(handoff)
        return None
    is_early = _is_after(seen.changed_at, not_after)
    return None if is_early or not _is_news(handoff, seen) else seen


def _news_of(
    handoff: Handoff, messages: list[InboundMessage], *, not_after: datetime | None
) -> list[InboundMessage]:
    """Return what was said in it and may be for the bot."""
    return [
        said
        for said in messages
        if said.group_id == handoff.group_id
        and _is_of_interest(handoff, said)
        and not _is_after(said.sent_at, not_after)
    ]


def _is_of_interest(handoff: Handoff, said: InboundMessage) -> bool:
    """Tell, without a look into the database, what is never for the bot."""
    ours = handoff.bot.connection.runtime.user_name.casefold()
    return not said.internal and said.author.casefold() != ours


def _is_after(at: datetime | None, last: datetime | None) -> bool:
    return at is not None and last is not None and at > last


def _is_news(handoff: Handoff, seen: Observation) -> bool:
    if seen.state in ENDS:
        return handoff.pending_end is None
    if seen.state not in STANDS:
        return False
    shown: dict[str, object] = {"entry_id": seen.entry_id, "agent_id": seen.agent_id}
    if seen.state == EntryState.WAITING:
        shown |= {"position": seen.position, "wait_text": seen.wait_text[:200]}
    return STANDS[seen.state] != handoff.state or any(
        value not in ("", None) and value != getattr(handoff, name)
        for name, value in shown.items()
    )


def _ask_for_look(handoff: Handoff) -> None:
    """Have looked at what is missing among others: it may be gone, or hidden."""
    asked = Handoff.objects.open().filter(pk=handoff.pk, poll_at=None)
    asked.update(poll_at=Now())


def _take_in(
    handoff: Handoff,
    seen: Observation | None,
    news: list[InboundMessage],
    *,
    system: ChatSystem,
) -> Found:
    """Take in a state, then messages; what no callback told of it is `untold`."""
    if seen is None and not news:
        return Found()
    if seen is not None:
        seen = looking.with_agent(handoff, seen, system=system)
    missed = untold(handoff.bot_id, news)
    is_clear = not _have_no_order(news)
    is_clear &= not any(wants_files(handoff, said) for said in news)
    if not is_clear:
        looking.read_now(Handoff.objects.filter(pk=handoff.pk))
    reach(Point.DURING_LOOK, handoff)
    with transaction.atomic():
        locked = lifecycle.lock(handoff.pk)
        before = _position(locked)
        if seen is not None:
            take_in(locked, seen)
        relayed = [
            said
            for said in news
            if is_clear and not take_in(locked, said, recovered=said.sys_id in missed)
        ]
        moved = _position(locked) != before
    recovered = [said for said in relayed if said.sys_id in missed]
    return Found(untold=moved or bool(recovered) or (bool(missed) and not is_clear))


def _have_no_order(messages: Iterable[InboundMessage]) -> bool:
    """Tell whether a row's time, in whole seconds, leaves the order open."""
    times = [said.sent_at for said in messages]
    return len(set(times)) < len(times)


def _position(handoff: Handoff) -> tuple[object, ...]:
    """Return what callbacks tell of a handoff."""
    return handoff.state, handoff.entry_id, handoff.agent_id, handoff.pending_end
