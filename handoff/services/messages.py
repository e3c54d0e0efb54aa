"""A bot says something to the agent."""

from operator import attrgetter
from uuid import UUID

from django.conf import settings
from django.db import IntegrityError, transaction

from handoff import chat_systems, files, lifecycle
from handoff.chat_systems.text import split
from handoff.exceptions import HandoffClosed, RequestConflict, TooManyOpenItems
from handoff.models import Attachment, Bot, Message, Outgoing
from handoff.models.lane import ItemState
from handoff.services.attachments import bind_attachments
from handoff.services.requests import NewMessage, body_hash


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
        body_hash=body_hash(message),
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
            is_last_part=number + 1 == len(parts),
            attachment=attachment,
        )
        for number, (text, attachment) in enumerate(parts)
    ]


def _repeat(handoff_id: UUID, message: NewMessage) -> Message:
    known = Message.objects.filter(handoff=handoff_id, client_id=message.id).first()
    if known is None:
        raise HandoffClosed("The handoff is over.")
    if known.body_hash != body_hash(message):
        raise RequestConflict("This id came before with another body.")
    return known
