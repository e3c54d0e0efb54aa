"""A bot hands a conversation over."""

from dataclasses import dataclass
from datetime import timedelta
from math import ceil

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.timezone import now

from handoff import chat_systems, lifecycle, opening
from handoff.chat_systems.text import split
from handoff.exceptions import (
    BotDisabled,
    HandoffLoop,
    NotAuthorized,
    QueueMissing,
    RequestConflict,
    TooManyOpenHandoffs,
)
from handoff.models import Bot, Handoff, Lane, Message, Outgoing
from handoff.models.lane import Direction
from handoff.models.message import Role
from handoff.services.requests import StartRequest, body_hash
from servicenow_auth.models import ConnectionRuntime
from servicenow_auth.models import State as AuthorizationState

HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Started:
    """`message_sent` is False when a handoff of the conversation was open already."""

    handoff: Handoff
    created: bool = False
    repeated: bool = False
    message_sent: bool = True


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
    if known.body_hash != body_hash(request):
        raise RequestConflict("This id came before with another body.")
    return Started(handoff=known, repeated=True)


def _refuse_if_not_ready(bot: Bot, request: StartRequest) -> None:
    if not bot.enabled:
        raise BotDisabled("The bot is not enabled.")
    if not _is_authorized(bot):
        raise NotAuthorized("The bot is not authorized at ServiceNow.")
    needs_queue = chat_systems.traits(bot).needs_queue
    if needs_queue and not (request.queue or bot.queue_id):
        raise QueueMissing("Neither the request nor the bot names a queue.")
    # Counted without a lock: a few more may pass when many start at the same moment.
    if Handoff.objects.filter(bot=bot).open().count() >= settings.MAX_OPEN_HANDOFFS:
        raise TooManyOpenHandoffs("The bot has too many open handoffs.")
    _refuse_a_loop(bot, request)


def _is_authorized(bot: Bot) -> bool:
    runtime = ConnectionRuntime.objects.filter(connection__bot=bot)
    return runtime.filter(state=AuthorizationState.READY).exists()


def _refuse_a_loop(bot: Bot, request: StartRequest) -> None:
    """Raise HandoffLoop where bot and agents send a conversation to and fro."""
    lately = Handoff.objects.filter(
        bot=bot,
        conversation_id=request.conversation_id,
        created_at__gt=now() - HOUR,
    ).order_by("-created_at")
    times = list(lately.values_list("created_at", flat=True)[: bot.handoffs_per_hour])
    if len(times) < bot.handoffs_per_hour:
        return
    error = HandoffLoop("This conversation was handed over too often in an hour.")
    error.retry_after = ceil((times[-1] + HOUR - now()).total_seconds())
    raise error


@transaction.atomic
def _open(bot: Bot, request: StartRequest) -> Handoff:
    handoff = Handoff(
        bot=bot,
        request_id=request.id,
        body_hash=body_hash(request),
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
    last = len(rest)
    apart = bot.send_transcript and not traits.takes_transcript
    said = opening.transcript(request.transcript) if apart else ""
    kind = Outgoing.Kind.MESSAGE
    return [
        Outgoing(
            kind=Outgoing.Kind.START, text=first, message=message, is_last_part=not rest
        ),
        *(
            Outgoing(
                kind=kind,
                text=text,
                message=message,
                part=part,
                is_last_part=part == last,
            )
            for part, text in enumerate(rest, start=1)
        ),
        *(
            Outgoing(kind=kind, text=text)
            for text in split(said, limit=traits.text_limit)
        ),
    ]
