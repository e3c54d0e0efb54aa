"""A bot uploads files, puts them into messages, and ServiceNow fetches them."""

from collections.abc import Sequence
from typing import IO
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Sum
from django.utils.timezone import now

from handoff import files, lifecycle
from handoff.exceptions import AttachmentRefused, TooManyOpenItems
from handoff.models import Attachment, Bot, Message

# Of one bot: its disk is everybody's.
MAX_OPEN_UPLOAD_BYTES = 1_000_000_000


def upload_attachment(*, bot: Bot, file_name: str, content: IO[bytes]) -> Attachment:
    """Keep a file that a message of this bot may name."""
    unused = Attachment.objects.filter(
        bot=bot, handoff=None, message=None, expires_at__gt=now()
    ).aggregate(count=Count("pk"), size=Sum("size", default=0))
    is_full = unused["count"] >= settings.MAX_OPEN_UPLOADS
    if is_full or unused["size"] >= MAX_OPEN_UPLOAD_BYTES:
        raise TooManyOpenItems("Too many uploads are in no message yet.")
    return files.store(bot=bot, file_name=file_name, content=content)


def bind_attachments(*, message: Message, ids: Sequence[UUID]) -> list[Attachment]:
    """Put uploads into a message, in the caller's transaction, or AttachmentRefused.

    The guarded UPDATE is the lock: of two messages that name an upload one gets it.
    """
    if not ids:
        return []
    bot = message.handoff.bot
    if len(ids) > bot.max_attachments:
        raise AttachmentRefused(f"A message takes at most {bot.max_attachments} files.")
    usable = Attachment.objects.filter(
        pk__in=ids, bot=bot, handoff=None, message=None, expires_at__gt=now()
    )
    bound = usable.update(handoff=message.handoff, message=message)
    if bound != len(ids):
        raise AttachmentRefused(
            "Nothing was stored: each of `attachments` must be the id of an upload of"
            " this bot that has not expired, and of no other message."
        )
    found = Attachment.objects.in_bulk(ids)
    return [found[pk] for pk in ids]


def note_fetched(*, attachment: Attachment) -> None:
    """Note that ServiceNow came for a file; the last one delivers its message."""
    if attachment.fetched_at is not None or attachment.handoff_id is None:
        return
    with transaction.atomic():
        handoff = lifecycle.lock(attachment.handoff_id)
        unfetched = Attachment.objects.filter(pk=attachment.pk, fetched_at=None)
        is_first = unfetched.update(fetched_at=now())
        message = Message.objects.filter(attachments=attachment).first()
        if is_first and message and message.has_arrived:
            lifecycle.message_delivered(handoff, message)
