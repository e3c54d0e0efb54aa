"""A bot starts a handoff, posts messages into it, and ends it."""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from datetime import datetime
from operator import attrgetter
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction

from handoff import chat_systems, doorbell, files, lifecycle, opening
from handoff.chat_systems import Availability
from handoff.chat_systems.text import split
from handoff.exceptions import (
    BotDisabled,
    HandoffClosed,
    NotAuthorized,
    QueueMissing,
    RequestConflict,
    TooManyOpenHandoffs,
    TooManyOpenItems,
)
from handoff.models import Attachment, Bot, Handoff, Lane, Message, Outgoing
from handoff.models.handoff import EndedBy, Reason, State
from handoff.models.lane import Direction, ItemState
from handoff.models.message import Role
from handoff.opening import TranscriptEntry
from handoff.services.attachments import bind_attachments
from servicenow_auth.client import Instance
from servicenow_auth.exceptions import DeliveryError, ServiceNowAuthError
from servicenow_auth.models import State as AuthorizationState

ENDERS = {
    Reason.USER_LEFT: EndedBy.USER,
    Reason.COMPLETED: EndedBy.BOT,
    Reason.BOT_ENDED: EndedBy.BOT,
}


@dataclass(frozen=True, kw_only=True)
class StartRequest:
    """What a bot asks for; `id` is its own, and makes repeats harmless."""

    conversation_id: str
    message: str
    id: str | None = None
    user: dict[str, str] = field(default_factory=dict)
    channel: str = ""
    language: str = ""
    queue: str = ""
    skills: list[str] = field(default_factory=list)
    context: dict[str, Any] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    transcript: list[TranscriptEntry] = field(default_factory=list)


@dataclass(frozen=True)
class Started:
    """`message_sent` is False when a handoff of the conversation was open already."""

    handoff: Handoff
    created: bool = False
    repeated: bool = False
    message_sent: bool = True


@dataclass(frozen=True, kw_only=True)
class NewMessage:
    """What a bot posts: text, or the ids of uploads, or both.

    `choice_value` is for chat systems that offer choices.
    """

    id: str
    text: str = ""
    role: Role = Role.USER
    choice_value: str = ""
    attachments: list[UUID] = field(default_factory=list)
    sent_at: datetime | None = None


def start_handoff(*, bot: Bot, request: StartRequest) -> Started:
    """Accept a handoff, or return the one that is meant.

    The unique constraints decide between requests that come at the same moment: the
    second finds the first one's row.
    """
    known = _find(bot, request)
    if known is not None:
        return known
    _refuse_if_not_ready(bot, request)
    try:
        return Started(handoff=_open(bot, request), created=True)
    except IntegrityError:
        known = _find(bot, request)
        if known is None:
            raise
        return known


def _find(bot: Bot, request: StartRequest) -> Started | None:
    mine = Handoff.objects.filter(bot=bot)
    repeated = mine.filter(request_id=request.id).first() if request.id else None
    known = (
        repeated or mine.open().filter(conversation_id=request.conversation_id).first()
    )
    if known is None:
        return None
    # The same request may have been stored between the two questions.
    if request.id is None or known.request_id != request.id:
        return Started(handoff=known, message_sent=False)
    if known.body_hash != _hash(request):
        raise RequestConflict("This id came before with another body.")
    return Started(handoff=known, repeated=True)


def _hash(request: StartRequest | NewMessage) -> str:
    content = json.dumps(asdict(request), sort_keys=True, default=str)
    return hashlib.sha256(content.encode()).hexdigest()


def _refuse_if_not_ready(bot: Bot, request: StartRequest) -> None:
    if not bot.enabled:
        raise BotDisabled("The bot is not enabled.")
    if bot.connection.runtime.state != AuthorizationState.READY:
        raise NotAuthorized("The bot is not authorized at ServiceNow.")
    needs_queue = chat_systems.traits(bot).needs_queue
    if needs_queue and not (request.queue or bot.queue_id):
        raise QueueMissing("Neither the request nor the bot names a queue.")
    if Handoff.objects.filter(bot=bot).open().count() >= settings.MAX_OPEN_HANDOFFS:
        raise TooManyOpenHandoffs("The bot has too many open handoffs.")


@transaction.atomic
def _open(bot: Bot, request: StartRequest) -> Handoff:
    handoff = Handoff(
        bot=bot,
        request_id=request.id,
        body_hash=_hash(request),
        conversation_id=request.conversation_id,
        user=request.user,
        channel=request.channel,
        language=request.language,
        skills=request.skills,
        context=request.context,
        metadata=request.metadata,
        queue_id=request.queue or bot.queue_id,
    )
    if chat_systems.traits(bot).names_conversation:
        handoff.group_id = handoff.id.hex
    handoff.save(force_insert=True)
    to_servicenow, _ = Lane.objects.bulk_create(
        Lane(bot=bot, handoff=handoff, direction=direction)
        for direction in (Direction.TO_SERVICENOW, Direction.TO_BOT)
    )
    question = _keep_opening(handoff, request)
    lifecycle.queue(to_servicenow, _opening_items(question, request))
    return handoff


def _keep_opening(handoff: Handoff, request: StartRequest) -> Message:
    """Store what was said before, then the question; return that."""
    before = (
        Message(
            handoff=handoff,
            role=entry.role,
            text=entry.text,
            sent_at=entry.sent_at,
            before_handoff=True,
        )
        for entry in request.transcript
    )
    question = Message(handoff=handoff, role=Role.USER, text=request.message)
    Message.objects.bulk_create([*before, question])
    return question


def _opening_items(message: Message, request: StartRequest) -> list[Outgoing]:
    """Return the question, then the transcript where it does not go with the start."""
    bot = message.handoff.bot
    traits = chat_systems.traits(bot)
    question = opening.question(
        message=request.message, user=request.user, channel=request.channel
    )
    first, *rest = split(question, limit=traits.text_limit)
    apart = bot.send_transcript and not traits.takes_transcript
    said = opening.transcript(request.transcript) if apart else ""
    kind = Outgoing.Kind.MESSAGE
    return [
        Outgoing(kind=Outgoing.Kind.START, text=first, message=message),
        *(
            Outgoing(kind=kind, text=text, message=message, part=part)
            for part, text in enumerate(rest, start=1)
        ),
        *(
            Outgoing(kind=kind, text=text)
            for text in split(said, limit=traits.text_limit)
        ),
    ]


def post_message(
    *, handoff_id: UUID, bot: Bot, message: NewMessage
) -> tuple[Message, bool]:
    """Accept a message for the agent; True when it is new, False for a repeat.

    Under the handoff's lock a message is either recorded before the handoff becomes
    final or refused, and numbers are given in the order of commits.
    """
    try:
        return _post(handoff_id, bot, message)
    except IntegrityError:
        return _repeat(handoff_id, message), False


@transaction.atomic
def _post(handoff_id: UUID, bot: Bot, message: NewMessage) -> tuple[Message, bool]:
    handoff, lane = lifecycle.lock_with_lane(handoff_id=handoff_id, bot=bot)
    if handoff.is_final:
        return _repeat(handoff_id, message), False
    row = Message.objects.create(
        handoff=handoff,
        client_id=message.id,
        body_hash=_hash(message),
        role=message.role,
        text=message.text,
        choice_value=message.choice_value,
        sent_at=message.sent_at,
    )
    attachments = bind_attachments(message=row, ids=message.attachments)
    parts = _parts(row, attachments)
    if not lifecycle.queue(lane, parts, limit=settings.MAX_OPEN_ITEMS):
        raise TooManyOpenItems("Too many messages wait to be delivered.")
    row.delivery = ItemState.PENDING
    # A repeat and a list will find them in this order.
    row.files = sorted(attachments, key=attrgetter("created_at"))
    return row, True


def _parts(message: Message, attachments: list[Attachment]) -> list[Outgoing]:
    """Return a message's text, in as many parts as it takes, then its files."""
    limit = chat_systems.traits(message.handoff.bot).text_limit
    said = message.text if message.text.strip() else ""
    parts: list[tuple[str, Attachment | None]] = [
        *((text, None) for text in split(said, limit=limit)),
        *((files.label(file.file_name), file) for file in attachments),
    ]
    return [
        Outgoing(
            kind=Outgoing.Kind.MESSAGE,
            text=text,
            message=message,
            part=number,
            attachment=attachment,
        )
        for number, (text, attachment) in enumerate(parts)
    ]


def _repeat(handoff_id: UUID, message: NewMessage) -> Message:
    known = Message.objects.filter(handoff=handoff_id, client_id=message.id).first()
    if known is None:
        raise HandoffClosed("The handoff is over.")
    if known.body_hash != _hash(message):
        raise RequestConflict("This id came before with another body.")
    return known


@transaction.atomic
def end_handoff(
    *, handoff_id: UUID, bot: Bot, reason: Reason = Reason.BOT_ENDED
) -> Handoff:
    """Make a handoff final for the bot at once; ServiceNow is told by the lane."""
    Handoff.objects.get(pk=handoff_id, bot=bot)
    handoff = lifecycle.lock(handoff_id)
    lifecycle.close(handoff, reason=reason, ended_by=ENDERS[reason])
    return handoff


def set_typing(*, handoff_id: UUID, bot: Bot, typing: bool) -> None:
    """Pass a typing notice on at once, or never: it is kept nowhere."""
    handoff = Handoff.objects.get(pk=handoff_id, bot=bot)
    if handoff.state == State.ACCEPTED and chat_systems.traits(bot).has_typing:
        doorbell.ring_typing(handoff_id, typing=typing)


def availability(*, bot: Bot, queue: str = "") -> Availability:
    """Ask ServiceNow whether a queue takes chats; "unknown" when it does not tell."""
    queue_id = queue or bot.queue_id
    if not queue_id and chat_systems.traits(bot).needs_queue:
        raise QueueMissing("Neither the request nor the bot names a queue.")
    try:
        with Instance(bot.connection) as instance:
            system = chat_systems.connect(bot, instance)
            return system.availability(queue_id=queue_id)
    except (DeliveryError, ServiceNowAuthError):
        return Availability(state="unknown")
