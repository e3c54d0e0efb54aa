"""What became of an item of unknown outcome, by what ServiceNow shows.

At most one item of a conversation is unbound at a time, and only we write as our
user. So a record of ours with its text that is no other item's is the item. That
there is none proves something only once no earlier attempt can still be applied, and
only if the same read showed a record that we know: access rules leave rows out in
silence.
"""

import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta

from handoff import files
from handoff.chat_systems import (
    Conversation,
    Entry,
    EntryState,
    InboundMessage,
    Observation,
)
from handoff.chat_systems.text import begins, is_same
from handoff.models import Bot, Handoff, Outgoing
from handoff.models.lane import ItemState
from handoff.relay import leases, speaking
from handoff.relay.routes import GaveUp, NotShown, NotThere, StillUnknown

logger = logging.getLogger(__name__)

OPEN = (EntryState.WAITING, EntryState.ACCEPTED, EntryState.ESCALATED)


@dataclass
class Records:
    """What a read of a conversation shows, next to what we know of it."""

    # Written by us and no item's yet, oldest first.
    free: list[InboundMessage] = field(default_factory=list)
    # Whether something of ours that must be there is: others' may be shown alone.
    is_controlled: bool = False
    # Written by us since the item was first sent, and nothing that we know of.
    strange: list[InboundMessage] = field(default_factory=list)


def found(item: Outgoing, shown: list[InboundMessage], *, handoff: Handoff) -> str:
    """Return the sys_id of a message that arrived; else NotThere or StillUnknown."""
    note_late(shown, handoff=handoff)
    records = _sort(shown, item=item, handoff=handoff)
    same = [record for record in records.free if _says(record, item)]
    if same:
        note_duplicates(item, _further(item, same[1:]))
        return same[0].sys_id
    if not records.is_controlled:
        raise NotShown(
            "It is not known whether it arrived: ServiceNow does not show us what we"
            " have sent before. The integration user must be able to read it."
        )
    if records.strange:
        raise StillUnknown(
            "It is not known whether it arrived: ServiceNow shows other words of ours,"
            " and may have changed them."
        )
    raise missing(item)


def _further(item: Outgoing, more: list[InboundMessage]) -> list[str]:
    """Return further records with an item's text, but those of items behind it.

    After a restore all of a lane may be of unknown outcome, else the item alone is.
    """
    if not more:
        return []
    lane = Outgoing.objects.filter(lane=item.lane, state=ItemState.SENDING)
    behind = lane.filter(sequence__gt=item.sequence)
    others = sum(_says(more[0], one) for one in behind.select_related("message"))
    return [record.sys_id for record in more[others:]]


def note_duplicates(item: Outgoing, sys_ids: list[str]) -> None:
    if not sys_ids:
        return
    item.duplicates = [*item.duplicates, *sys_ids]
    item.save(update_fields=["duplicates"])
    details = {"lane_id": item.lane_id, "sequence": item.sequence, "sys_ids": sys_ids}
    logger.warning("item.found_twice", extra=details)


def note_late(shown: Iterable[InboundMessage], *, handoff: Handoff) -> None:
    """Note what ServiceNow applied after it had been sent again: it is there twice.

    What could be that of an item whose outcome is unknown is left to that one.
    """
    lane = Outgoing.objects.filter(lane__handoff=handoff, kind=Outgoing.Kind.MESSAGE)
    repeated = list(lane.filter(state=ItemState.SENT, attempts__gt=1))
    if not repeated:
        return
    unknown = list(lane.filter(state=ItemState.SENDING))
    for record in _sort(shown, item=repeated[0], handoff=handoff).free:
        owner = next((one for one in repeated if _says(record, one)), None)
        if owner and not any(_says(record, one) for one in unknown):
            note_duplicates(owner, [record.sys_id])


def opened(
    item: Outgoing,
    shown: list[Entry],
    *,
    handoff: Handoff,
    read: Callable[[Conversation], list[InboundMessage]],
) -> Observation:
    """Return a conversation that was opened; else NotThere or StillUnknown.

    `read` returns the messages of one: a queue may show of a question only how it
    begins.
    """
    free, is_controlled = strays(shown, bot=handoff.bot)
    for entry in free:
        if _is_opened_with(item.text, entry, read=read):
            return entry.seen
    if not is_controlled:
        raise NotShown(
            "It is not known whether the chat was opened: ServiceNow shows us none of"
            " those that we opened in this queue."
        )
    error = missing(item)
    if handoff.is_final and isinstance(error, NotThere):
        raise GaveUp("It ended before it was opened.")
    raise error


def strays(shown: list[Entry], *, bot: Bot) -> tuple[list[Entry], bool]:
    """Return what we opened and know nothing of, and whether a known one is shown."""
    ours = bot.connection.runtime.user_sys_id
    named = [entry for entry in shown if entry.seen.group_id]
    groups = {entry.seen.group_id for entry in named}
    handoffs = Handoff.objects.filter(bot=bot, group_id__in=groups)
    known = set(handoffs.values_list("group_id", flat=True))
    free = [
        entry
        for entry in named
        if entry.opened_by == ours and entry.seen.group_id not in known
    ]
    return free, bool(known)


def _is_opened_with(
    text: str, entry: Entry, *, read: Callable[[Conversation], list[InboundMessage]]
) -> bool:
    if is_same(text, entry.text):
        return True
    if not begins(text, with_=entry.text):
        return False
    messages = read(Conversation(group_id=entry.seen.group_id))
    return any(is_same(text, message.text) for message in messages)


def ended(item: Outgoing, seen: Observation | None) -> None:
    """Return if the conversation is over there; else NotThere or StillUnknown."""
    if seen is None or seen.state == EntryState.UNKNOWN:
        raise NotShown("ServiceNow does not tell whether the chat is over.")
    if seen.state in OPEN:
        raise missing(item)


def missing(item: Outgoing) -> NotThere | StillUnknown:
    """Return what it means that an item is not there: an attempt may yet be applied.

    What was applied during the read may not be shown: the time is from before it. And
    the clock is the database's: two workers' own may be minutes apart.
    """
    if item.over_attempt == item.attempts or item.attempt_started_at is None:
        return NotThere("It did not arrive.")
    rest = item.attempt_started_at + leases.may_arrive_for() - item.seen_at
    if rest <= timedelta(0):
        return NotThere("It did not arrive.")
    return StillUnknown("It has not arrived, and still may.", wait=rest)


def _sort(
    shown: Iterable[InboundMessage], *, item: Outgoing, handoff: Handoff
) -> Records:
    """Tell records that are somebody's from those that may be the item."""
    user_name = handoff.bot.connection.runtime.user_name.casefold()
    lane = Outgoing.objects.filter(lane=item.lane).exclude(kind=Outgoing.Kind.END)
    items = list(lane.select_related("message").order_by("sequence"))
    bound = {name for one in items for name in (one.sys_id, *one.duplicates) if name}
    records = Records()
    for record in shown:
        if record.sys_id in bound:
            records.is_controlled = True
        elif record.author.casefold() == user_name:
            records.free.append(record)
    for one in items:
        if one.state == ItemState.SENT and not one.sys_id:
            _take_unnamed(records, one)
    # What is older was written before, perhaps by items that a restore has forgotten.
    since = speaking.there(item.first_attempt_at or item.created_at, handoff=handoff)
    records.strange = [
        record
        for record in records.free
        if not (record.sent_at and record.sent_at < since)
        and not any(_says(record, one) for one in items)
    ]
    return records


def _take_unnamed(records: Records, sent: Outgoing) -> None:
    """Give an item that got no sys_id, such as a start, the first record like it."""
    for record in records.free:
        if _says(record, sent):
            records.free.remove(record)
            records.is_controlled = True
            return


def _says(record: InboundMessage, item: Outgoing) -> bool:
    labels = [files.label(file.file_name) for file in record.files]
    shown = [text for text in [record.text, *labels] if text]
    # A choice may be kept by its value or by its label.
    said = [text for text in (item.text, item.choice_value) if text]
    return any(is_same(text, one) for text in said for one in shown)
