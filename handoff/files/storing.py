"""Content in the database, in pieces that are written and read one at a time."""

import mimetypes
import os
from collections.abc import Iterator
from datetime import datetime
from fnmatch import fnmatchcase
from typing import IO

from django.conf import settings
from django.db import transaction
from django.utils.timezone import now

from handoff.exceptions import AttachmentRefused, BodyTooLarge
from handoff.files.names import clean, fitting
from handoff.files.sniffing import sniff
from handoff.models import Attachment, AttachmentPiece, Bot, Handoff

PIECE = 262_144
MEGABYTE = 1_048_576
BATCH = 400


def max_bytes(bot: Bot) -> int:
    """Return how large a file of this bot may be, in either direction."""
    own = bot.max_attachment_megabytes * MEGABYTE
    return min(own, settings.MAX_ATTACHMENT_BYTES)


def store(
    *,
    bot: Bot,
    file_name: str,
    content: IO[bytes],
    handoff: Handoff | None = None,
    source: str = "",
) -> Attachment:
    """Keep a file, or raise BodyTooLarge or AttachmentRefused, which name the limit."""
    attachment = Attachment(
        bot=bot,
        handoff=handoff,
        size=content.seek(0, os.SEEK_END),
        source=source,
        expires_at=_end_of_life(),
    )
    _refuse_size(bot, attachment.size)
    content_type = sniff(_cut(content))
    _refuse_type(bot, content_type)
    attachment.content_type = content_type
    attachment.file_name = fitting(clean(file_name), content_type=content_type)
    with transaction.atomic():
        attachment.save(force_insert=True)
        for number, piece in enumerate(_cut(content)):
            AttachmentPiece.objects.create(
                attachment=attachment, number=number, content=piece
            )
    return attachment


def note_missing(
    *, handoff: Handoff, file_name: str, source: str, error: str
) -> Attachment:
    """Keep the name of a file that could not be had, and why."""
    return Attachment.objects.create(
        bot=handoff.bot,
        handoff=handoff,
        file_name=clean(file_name),
        source=source,
        error=error[:300],
        expires_at=_end_of_life(),
    )


def pieces(attachment: Attachment) -> Iterator[bytes]:
    """Yield the content; raise AttachmentPiece.DoesNotExist once it is deleted."""
    for number in range(-(-attachment.size // PIECE)):
        yield bytes(attachment.pieces.get(number=number).content)


def expire() -> None:
    """Delete some of the content that nobody may have any more.

    Every file lives equally long, so behind one that lives on none is over.
    """
    oldest = AttachmentPiece.objects.order_by("pk").values("pk")[:BATCH]
    old = AttachmentPiece.objects.filter(pk__in=oldest)
    old.filter(attachment__expires_at__lte=now()).delete()


def _end_of_life() -> datetime:
    return now() + settings.ATTACHMENT_LIFETIME


def _cut(content: IO[bytes]) -> Iterator[bytes]:
    content.seek(0)
    while piece := content.read(PIECE):
        yield piece


def _refuse_size(bot: Bot, size: int) -> None:
    if not size:
        raise AttachmentRefused("The file is empty.")
    if size > max_bytes(bot):
        most = max_bytes(bot) / MEGABYTE
        raise BodyTooLarge(f"The file is larger than {most:g} MB.")


def _refuse_type(bot: Bot, content_type: str) -> None:
    allowed = bot.attachment_types
    if not any(fnmatchcase(content_type, pattern) for pattern in allowed):
        listed = ", ".join(map(_plain, allowed)) or "none"
        kind = _plain(content_type)
        raise AttachmentRefused(
            f"Files of this kind ({kind}) are not taken. Allowed: {listed}."
        )


def _plain(content_type: str) -> str:
    """Return what people call a type: PNG, PDF; or the type where they have no word."""
    suffix = mimetypes.guess_extension(content_type) or content_type
    return suffix.removeprefix(".").upper() if suffix != content_type else suffix
