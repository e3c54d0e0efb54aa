"""One piece of news from ServiceNow, deduplicated and turned into rows and events.

Every function runs inside the caller's transaction, with the handoff locked.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta
from secrets import token_hex
from uuid import UUID, uuid4, uuid5

from django.db import DataError, IntegrityError, transaction
from django.utils.timezone import now

from handoff import chat_systems, events
from handoff.chat_systems import InboundMessage, News, Observation, Speaker, Typing
from handoff.files import describe
from handoff.models import Attachment, Callback, Handoff, Message, Outgoing
from handoff.models.handoff import State
from handoff.models.message import Receipt, Role
from handoff.relay.courtesies import ring_receipt
from handoff.relay.file_transfer import without_label
from handoff.relay.observing import observe, picture

logger = logging.getLogger(__name__)

# Nobody types the same twice as quickly as a post is repeated.
SAME_MOMENT = timedelta(seconds=2)


def take_in(
    handoff: Handoff,
    said: News,
    *,
    attachments: Sequence[Attachment] = (),
    recovered: bool = False,
) -> str:
    """Take one piece of news in; return why not, or "".

    Inside the caller's transaction, with the handoff locked. What the database refuses
    must not hold up all that was said after it.
    """
    try:
        with transaction.atomic():
            match said:
                case InboundMessage():
                    return _ingest(handoff, said, attachments, recovered=recovered)
                case Observation():
                    observe(handoff, said)
                case Typing():
                    _show_typing(handoff, said)
    except (DataError, IntegrityError) as exc:
        logger.warning(
            "callback.not_kept",
            extra={"handoff_id": handoff.pk, "error": type(exc).__name__},
        )
        return "refused by the database"
    return ""


def _ingest(
    handoff: Handoff,
    said: InboundMessage,
    attachments: Sequence[Attachment],
    *,
    recovered: bool,
) -> str:
    """Relay a message to the bot, once; after the end it is for the transcript."""
    reason = _why_not(handoff, said)
    if reason:
        return reason
    said = without_label(said, attachments)
    message = _store(handoff, said, recovered=recovered)
    for attachment in attachments:
        attachment.message = message
        attachment.save(update_fields=["message"])
    if handoff.is_final:
        return "after the end"
    data = _describe(message, attachments)
    event = events.emit(handoff, "message.created", data, message=message)
    if event.settled_at is not None:
        ring_receipt(event)
    return ""


def untold(bot_id: UUID, messages: Sequence[InboundMessage]) -> set[str]:
    """Return the messages that no callback has told of; a rule signs with their id."""
    names = {said.sys_id for said in messages}
    told = Callback.objects.filter(bot=bot_id, delivery_id__in=names)
    return names - set(told.values_list("delivery_id", flat=True))


def wants_files(handoff: Handoff, said: InboundMessage) -> bool:
    """Tell whether a message has files that have to be fetched for the bot.

    Who spoke may be known only once what came before it is taken in.
    """
    if said.speaker == Speaker.UNSAID:
        said = replace(said, speaker=Speaker.AGENT)
    return bool(said.files) and not (handoff.is_final or _why_not(handoff, said))


def _why_not(handoff: Handoff, said: InboundMessage) -> str:
    """Return why a message is not for the bot: the first reason that holds."""
    reasons: dict[str, Callable[[], bool]] = {
        "internal": lambda: said.internal,
        "no sys_id": lambda: not said.sys_id,
        "empty": lambda: not (said.text.strip() or said.files),
        "the virtual agent's": lambda: _is_chatter(handoff, said),
        "our own message": lambda: _is_ours(handoff, said),
        "repeated": lambda: _is_repeated(handoff, said),
    }
    return next((reason for reason, holds in reasons.items() if holds()), "")


def _speaker(handoff: Handoff, said: InboundMessage) -> Speaker:
    """Return who spoke; where it is not said, the agent did while he was there."""
    if said.speaker != Speaker.UNSAID:
        return said.speaker
    with_agent = handoff.state == State.ACCEPTED and handoff.pending_end is None
    return Speaker.AGENT if with_agent else Speaker.VIRTUAL_AGENT


def _is_chatter(handoff: Handoff, said: InboundMessage) -> bool:
    """Tell whether it is what ServiceNow's own bot says, and nobody asked for that."""
    if _speaker(handoff, said) != Speaker.VIRTUAL_AGENT:
        return False
    configuration = handoff.bot.agent_chat
    after_agent = handoff.state == State.ACCEPTED and handoff.pending_end is not None
    wanted = configuration.relay_survey and after_agent
    return not (wanted or configuration.relay_virtual_agent)


def _is_ours(handoff: Handoff, said: InboundMessage) -> bool:
    user_name = handoff.bot.connection.runtime.user_name
    if user_name and said.author.casefold() == user_name.casefold():
        return True
    sent = Outgoing.objects.filter(lane__handoff=handoff, sys_id=said.sys_id)
    return bool(said.sys_id) and sent.exists()


def _is_repeated(handoff: Handoff, said: InboundMessage) -> bool:
    """Tell a repeat by its id; without one, by the same words a moment ago."""
    if said.is_named:
        return handoff.messages.filter(sys_id=said.sys_id).exists()
    told_at = said.received_at or now()
    moment = (told_at - SAME_MOMENT, told_at + SAME_MOMENT)
    lately = handoff.messages.filter(created_at__range=moment)
    return lately.filter(sys_id__startswith=said.sys_id).exists()


def _store(handoff: Handoff, said: InboundMessage, *, recovered: bool) -> Message:
    is_agent = _speaker(handoff, said) == Speaker.AGENT
    name = avatar = receipt = ""
    if is_agent:
        name = said.sender_name or handoff.agent_name or said.author
        avatar = picture(handoff, said.sender_avatar_url)
        if not avatar and name == handoff.agent_name:
            avatar = handoff.agent_avatar_url
        has_receipts = chat_systems.traits(handoff.bot).has_receipts
        if said.is_named and has_receipts and not handoff.is_final:
            receipt = Receipt.DUE
    return Message.objects.create(
        # The same in a database that was restored, and forgot that it has had it.
        id=uuid5(handoff.id, said.sys_id) if said.is_named else uuid4(),
        handoff=handoff,
        role=Role.AGENT if is_agent else Role.SYSTEM,
        # Words that were given no id may be said again: each time is another row.
        sys_id=said.sys_id if said.is_named else f"{said.sys_id}{token_hex(8)}",
        text=said.text,
        html=said.html,
        links=said.links,
        choices=said.choices,
        sender_name=name[:200],
        sender_avatar_url=avatar,
        sent_at=said.sent_at,
        receipt=receipt,
        recovered=recovered,
        created_at=said.received_at or now(),
    )


def _describe(message: Message, attachments: Sequence[Attachment]) -> dict[str, object]:
    """Return a message as its event tells it, alike to how the API lists it."""
    avatar_url = message.sender_avatar_url or None
    sender = {"name": message.sender_name, "avatar_url": avatar_url}
    return {
        "message_id": str(message.id),
        "role": message.role,
        "sender": sender if message.sender_name else None,
        "text": message.text,
        "html": message.html or None,
        "attachments": [describe(attachment) for attachment in attachments],
        "links": message.links,
        "choices": message.choices,
        "sent_at": events.timestamp(message.sent_at or message.created_at),
        "recovered": message.recovered,
    }


def _show_typing(handoff: Handoff, said: Typing) -> None:
    """Tell that the agent types; before and after him it is ServiceNow's own bot."""
    if handoff.state == State.ACCEPTED and handoff.pending_end is None:
        event_type = "typing.started" if said.typing else "typing.stopped"
        events.emit(handoff, event_type, {"role": Role.AGENT, "sender": handoff.agent})
