"""What ServiceNow said, from stored callback to message and event.

A callback is kept before it is believed; here it is parsed, deduplicated and relayed,
all callbacks of one conversation in one transaction under the handoff's lock.
"""

import json
import logging
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Max, QuerySet
from django.utils.timezone import now

from handoff import bulkheads, chat_systems, doorbell, lifecycle
from handoff.chat_systems import Echo, InboundMessage, News
from handoff.failpoints import Point, reach
from handoff.models import Attachment, Bot, Callback, Handoff
from handoff.models.callback import UNPROVEN
from handoff.models.lane import Direction
from handoff.relay import file_transfer, looking, poison, speaking
from handoff.relay.ingesting import take_in, wants_files
from servicenow_auth.client import Instance
from servicenow_auth.exceptions import DeliveryError

logger = logging.getLogger(__name__)

# A rule fires before our own request to open the conversation is answered, so a name
# we do not know may be one that we are about to learn.
GRACE = timedelta(minutes=2)
# What was written before a message that came first is read within a moment, or as soon
# as ServiceNow answers again.
OVERTAKEN_FOR = timedelta(minutes=10)
# A file that could not be had for so long is told as missing.
FILE_PATIENCE = timedelta(seconds=60)
# A worker that died while it fetched files is followed by another after this.
FETCH_LEASE = timedelta(seconds=60)
BATCH = 200


def process(*, bot_id: UUID, group_id: str) -> None:
    """Relay the stored callbacks of one conversation, in the order they came.

    A message with files waits until they are here, and what was said after it with it.
    """
    held: Held = {}
    goes_on = True
    while goes_on:
        with poison.attempt(_stored(bot_id, group_id)) as size:
            goes_on = size > 0 and _go_on(bot_id, group_id, held, size=size)


def _go_on(bot_id: UUID, group_id: str, held: "Held", *, size: int) -> bool:
    """Relay some callbacks, or fetch what they lack; tell whether to go on."""
    outcome = _process(bot_id, group_id, held, size=size)
    for one in outcome.wanted:
        fetched = _fetch(one)
        poison.spare(_stored(bot_id, group_id))
        if fetched is None:
            _claim(one.callback, until=None)
            return False  # the sweep rings again
        held[one.key] = fetched
        _claim(one.callback, until=now() + FETCH_LEASE)
    return bool(outcome.wanted or outcome.closed)


def _stored(bot_id: UUID, group_id: str) -> QuerySet[Callback]:
    stored = Callback.objects.filter(bot=bot_id, group_id=group_id)
    return stored.filter(state=Callback.State.STORED).order_by("pk")


@dataclass
class Outcome:
    """How many callbacks were dealt with; and what the first of the rest lacks."""

    closed: int = 0
    wanted: list["Wanted"] = field(default_factory=list)


@dataclass(frozen=True)
class Wanted:
    """A message whose files are still at ServiceNow."""

    handoff: Handoff
    callback: Callback
    message: InboundMessage

    @property
    def key(self) -> tuple[int, str]:
        return self.callback.pk, self.message.sys_id

    def is_lacking(self, held: "Held") -> bool:
        return self.key not in held and wants_files(self.handoff, self.message)


Held = dict[tuple[int, str], list[Attachment]]
Batch = list[tuple[Callback, list[News]]]


@transaction.atomic
def _process(bot_id: UUID, group_id: str, held: Held, *, size: int) -> Outcome:
    """Relay what can be relayed, up to the first message that has to wait."""
    handoff = _lock_by_group(bot_id, group_id)
    stored = _stored(bot_id, group_id)
    batch = _in_order(stored[:size], bot=handoff.bot if handoff else None)
    if handoff is None:
        poison.spare(stored)
        return Outcome(closed=_close_unknown(batch, is_named=bool(group_id)))
    if batch:
        _hear(handoff, [callback for callback, _ in batch])
    outcome = Outcome()
    for callback, news in batch:
        if _is_early(handoff, callback, news):
            looking.read_now(Handoff.objects.filter(pk=handoff.pk, must_read=False))
            poison.spare(stored)
            break
        told = [Wanted(handoff, callback, message) for message in _messages(news)]
        lacking = [one for one in told if one.is_lacking(held)]
        if lacking:
            outcome.wanted = lacking if _claim_fetch(callback, held) else []
            break
        _close(callback, _take_in_all(handoff, callback, news, held))
        outcome.closed += 1
        reach(Point.IN_PROCESSING, callback)
    return outcome


def _close_unknown(batch: Batch, *, is_named: bool) -> int:
    """Close what is about no handoff, or will not be any more; return how many."""
    too_old = [c for c, _ in batch if not is_named or c.received_at < now() - GRACE]
    for callback in too_old:
        _close(callback, "unknown conversation")
    return len(too_old)


def _is_early(handoff: Handoff, callback: Callback, news: list[News]) -> bool:
    """Tell whether a message came before what was written before it.

    Rules run side by side, and a callback may be lost. A read shows both.
    """
    before = {name for message in _messages(news) for name in message.follows}
    if not before or not _may_wait(handoff, callback):
        return False
    told = {message.sys_id for message in _messages(news)}
    known = handoff.messages.filter(sys_id__in=before | told)
    names = set(known.values_list("sys_id", flat=True))
    return not told <= names and not before <= names


def _may_wait(handoff: Handoff, callback: Callback) -> bool:
    """Tell whether a read can still show what is missing, and leave time for both."""
    if handoff.is_final or handoff.is_unreadable or looking.is_end_due(handoff):
        return False
    return callback.received_at > now() - OVERTAKEN_FOR


def _hear(handoff: Handoff, callbacks: list[Callback]) -> None:
    """Note that ServiceNow spoke of it, and what it had of us by then.

    An item that it names, or one before it, arrived: its lane may be waiting to know.
    """
    echoes = [_echo_of(callback) for callback in callbacks]
    named = max(speaking.sequence_of(one.request, handoff=handoff) for one in echoes)
    entry_id = next((one.entry_id for one in echoes if one.entry_id), "")
    is_news = named > handoff.heard_sequence
    if handoff.heard_at and not is_news and (handoff.entry_id or not entry_id):
        return
    handoff.heard_at = handoff.heard_at or now()
    handoff.heard_sequence = max(named, handoff.heard_sequence)
    handoff.entry_id = handoff.entry_id or entry_id
    handoff.save(update_fields=["heard_at", "heard_sequence", "entry_id"])
    if is_news:
        lifecycle.wake(handoff)


def _echo_of(callback: Callback) -> Echo:
    return chat_systems.echo_of(callback.bot, json.loads(callback.body))


def _claim_fetch(callback: Callback, held: Held) -> bool:
    """Tell whether we may fetch its files; the handoff's lock is the arbiter."""
    is_ours = any(pk == callback.pk for pk, _ in held)
    if callback.fetched_until and callback.fetched_until > now() and not is_ours:
        return False
    _claim(callback, until=now() + FETCH_LEASE)
    return True


def _claim(callback: Callback, *, until: datetime | None) -> None:
    Callback.objects.filter(pk=callback.pk).update(fetched_until=until)


def _fetch(wanted: Wanted) -> list[Attachment] | None:
    """Return a message's files, or None: they can't be had yet."""
    give_up = wanted.callback.received_at < now() - FILE_PATIENCE
    bot = wanted.handoff.bot
    if bot.connection.runtime.pause_ends_at and not give_up:
        return None
    try:
        with bulkheads.share(bot.pk, Direction.TO_SERVICENOW) as has_room:
            if not has_room:
                return None
            with Instance(bot.connection) as instance:
                system = chat_systems.connect(bot, instance)
                return file_transfer.fetch(
                    wanted.handoff, system, wanted.message, give_up=give_up
                )
    except DeliveryError as exc:
        details = {"handoff_id": wanted.handoff.pk, "detail": exc.detail}
        logger.warning("files.not_fetched", extra=details)
        return None


def _lock_by_group(bot_id: UUID, group_id: str) -> Handoff | None:
    known = Handoff.objects.filter(bot=bot_id, group_id=group_id).exclude(group_id="")
    newest = known.order_by("-created_at").values_list("pk", flat=True).first()
    return lifecycle.lock(newest) if newest else None


def _in_order(callbacks: Iterable[Callback], *, bot: Bot | None) -> Batch:
    """Return what each says; messages change places by the time they were written."""
    batch = []
    for callback in callbacks:
        callback.bot = bot or callback.bot
        batch.append((callback, _news_of(callback)))
    places = [n for n, (_, news) in enumerate(batch) if _messages(news)]
    written = sorted((batch[place] for place in places), key=_written_at)
    for place, pair in zip(places, written, strict=True):
        batch[place] = pair
    return batch


def _news_of(callback: Callback) -> list[News]:
    if callback.authenticated_by == UNPROVEN:
        return []  # the conversation says it better
    return [
        replace(said, received_at=callback.received_at)
        if isinstance(said, InboundMessage)
        else said
        for said in chat_systems.news(callback.bot, json.loads(callback.body))
    ]


def _written_at(pair: tuple[Callback, list[News]]) -> datetime:
    callback, news = pair
    return _messages(news)[0].sent_at or callback.received_at


def _messages(news: Iterable[News]) -> list[InboundMessage]:
    return [said for said in news if isinstance(said, InboundMessage)]


def _take_in_all(
    handoff: Handoff, callback: Callback, news: list[News], held: Held
) -> str:
    """Take in what one callback says; return why nothing of it was relayed, or ""."""
    if callback.authenticated_by == UNPROVEN:
        looking.read_now(Handoff.objects.filter(pk=handoff.pk, must_read=False))
        return "not proven, so the conversation is read"
    notes = []
    for said in news:
        name = said.sys_id if isinstance(said, InboundMessage) else ""
        attachments = held.get((callback.pk, name), [])
        notes.append(take_in(handoff, said, attachments=attachments))
    return "" if "" in notes else next(iter(notes), "nothing to relay")


def _close(callback: Callback, note: str) -> None:
    """Note what became of a callback: relayed, or why it was not."""
    relayed = not note
    callback.state = Callback.State.RELAYED if relayed else Callback.State.IGNORED
    callback.note, callback.processed_at = note, now()
    callback.save(update_fields=["state", "note", "processed_at"])


def sweep() -> None:
    """Ring again for callbacks that nobody has dealt with."""
    stale = Callback.objects.filter(
        state=Callback.State.STORED, received_at__lt=now() - timedelta(seconds=2)
    )
    waiting = stale.values("bot", "group_id").annotate(newest=Max("pk"))
    for row in waiting.order_by("newest")[:BATCH]:
        doorbell.ring("process_callbacks", str(row["bot"]), row["group_id"])
