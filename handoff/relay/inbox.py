"""What ServiceNow said, from stored callback to message and event.

A callback is kept before it is believed; here it is parsed, deduplicated and relayed,
all callbacks of one conversation in one transaction under the handoff's lock.
"""

import json
import logging
from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from django.db import DataError, IntegrityError, transaction
from django.db.models import Max
from django.utils.timezone import now

from handoff import chat_systems, doorbell, lifecycle
from handoff.chat_systems import InboundMessage, News, Observation, Speaker
from handoff.models import Callback, Handoff, Message, Outgoing
from handoff.models.message import Role
from handoff.relay.observing import observe

logger = logging.getLogger(__name__)

# A rule fires before our own request to open the conversation is answered, so a name
# we do not know may be one that we are about to learn.
GRACE = timedelta(minutes=2)
BATCH = 200


@transaction.atomic
def process(*, bot_id: UUID, group_id: str) -> None:
    """Relay the stored callbacks of one conversation, in the order they came."""
    handoff = _lock_by_group(bot_id, group_id)
    stored = Callback.objects.filter(
        bot=bot_id, group_id=group_id, state=Callback.State.STORED
    ).order_by("pk")
    for callback, news in _in_order(stored.select_related("bot__agent_chat")[:BATCH]):
        if handoff is not None:
            _close(callback, take_in_all(handoff, news))
        elif not group_id or callback.received_at < now() - GRACE:
            _close(callback, "unknown conversation")


def _lock_by_group(bot_id: UUID, group_id: str) -> Handoff | None:
    known = Handoff.objects.filter(bot=bot_id, group_id=group_id).exclude(group_id="")
    newest = known.order_by("-created_at").values_list("pk", flat=True).first()
    return lifecycle.lock(newest) if newest else None


def _in_order(callbacks: Iterable[Callback]) -> list[tuple[Callback, list[News]]]:
    """Return what each says; messages change places by the time they were written."""
    batch = [
        (callback, chat_systems.news(callback.bot, json.loads(callback.body)))
        for callback in callbacks
    ]
    places = [n for n, (_, news) in enumerate(batch) if _messages(news)]
    written = sorted((batch[place] for place in places), key=_written_at)
    for place, pair in zip(places, written, strict=True):
        batch[place] = pair
    return batch


def _written_at(pair: tuple[Callback, list[News]]) -> datetime:
    callback, news = pair
    return _messages(news)[0].sent_at or callback.received_at


def _messages(news: Iterable[News]) -> list[InboundMessage]:
    return [said for said in news if isinstance(said, InboundMessage)]


def take_in_all(handoff: Handoff, news: list[News]) -> str:
    """Take in what one callback says; return why nothing of it was relayed, or ""."""
    notes = [take_in(handoff, said) for said in news]
    return "" if "" in notes else next(iter(notes), "unknown kind")


def take_in(handoff: Handoff, said: News, *, recovered: bool = False) -> str:
    """Take one piece of news in; return why not, or "".

    Inside the caller's transaction, with the handoff locked. What the database refuses
    must not hold up all that was said after it.
    """
    try:
        with transaction.atomic():
            if isinstance(said, InboundMessage):
                return _ingest(handoff, said, recovered=recovered)
            if isinstance(said, Observation):
                observe(handoff, said)
    except (DataError, IntegrityError) as exc:
        logger.warning(
            "callback.not_kept",
            extra={"handoff_id": handoff.pk, "error": type(exc).__name__},
        )
        return "refused by the database"
    return ""


def _close(callback: Callback, note: str) -> None:
    """Note what became of a callback: relayed, or why it was not."""
    relayed = not note
    callback.state = Callback.State.RELAYED if relayed else Callback.State.IGNORED
    callback.note, callback.processed_at = note, now()
    callback.save(update_fields=["state", "note", "processed_at"])


def _ingest(handoff: Handoff, said: InboundMessage, *, recovered: bool) -> str:
    """Relay a message to the bot, once."""
    reason = _why_not(handoff, said)
    if not reason:
        message = _store(handoff, said, recovered=recovered)
        lifecycle.emit(handoff, "message.created", _describe(message, said))
    return reason


def _why_not(handoff: Handoff, said: InboundMessage) -> str:
    """Return why a message is not for the bot: the first reason that holds."""
    reasons = {
        "after the end": handoff.is_final,
        "internal": said.internal,
        "no sys_id": not said.sys_id,
        "empty": not said.text.strip(),
        "our own message": _is_ours(handoff, said),
        "repeated": handoff.messages.filter(sys_id=said.sys_id).exists(),
    }
    return next((reason for reason, holds in reasons.items() if holds), "")


def _is_ours(handoff: Handoff, said: InboundMessage) -> bool:
    user_name = handoff.bot.connection.runtime.user_name
    if user_name and said.author.casefold() == user_name.casefold():
        return True
    sent = Outgoing.objects.filter(lane__handoff=handoff, sys_id=said.sys_id)
    return bool(said.sys_id) and sent.exists()


def _store(handoff: Handoff, said: InboundMessage, *, recovered: bool) -> Message:
    if said.speaker == Speaker.SYSTEM:
        role, name, avatar = Role.SYSTEM, "", ""
    else:
        role, name = Role.AGENT, said.sender_name or handoff.agent_name or said.author
        avatar = handoff.agent_avatar_url if name == handoff.agent_name else ""
    return Message.objects.create(
        handoff=handoff,
        role=role,
        sys_id=said.sys_id,
        text=said.text,
        html=said.html,
        sender_name=name[:200],
        sender_avatar_url=avatar,
        sent_at=said.sent_at,
        recovered=recovered,
    )


def _describe(message: Message, said: InboundMessage) -> dict[str, object]:
    avatar_url = message.sender_avatar_url or None
    return {
        "message_id": str(message.id),
        "role": message.role,
        "sender": {"name": message.sender_name or None, "avatar_url": avatar_url},
        "text": message.text,
        "html": message.html,
        "attachments": [],
        "links": said.links,
        "choices": said.choices,
        "sent_at": message.sent_at and lifecycle.timestamp(message.sent_at),
        "recovered": message.recovered,
    }


def sweep() -> None:
    """Ring again for callbacks that nobody has dealt with."""
    stale = Callback.objects.filter(
        state=Callback.State.STORED, received_at__lt=now() - timedelta(seconds=2)
    )
    waiting = stale.values("bot", "group_id").annotate(newest=Max("pk"))
    for row in waiting.order_by("newest")[:BATCH]:
        doorbell.ring("process_callbacks", str(row["bot"]), row["group_id"])
