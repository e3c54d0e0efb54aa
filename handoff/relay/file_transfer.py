"""Files on their way: read for the agent, fetched for the bot, missed, outlived."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from io import BytesIO
from uuid import UUID

from django.db import transaction
from django.utils.timezone import now

from handoff import files, lifecycle
from handoff.chat_systems import (
    ChatSystem,
    Conversation,
    InboundFile,
    InboundMessage,
    OutboundFile,
)
from handoff.exceptions import HandoffError
from handoff.models import Attachment, AttachmentPiece, Handoff, Outgoing
from handoff.models.lane import ItemState
from handoff.relay.routes import nothing_sent
from servicenow_auth.exceptions import DeliveryError, Rejected

BATCH = 200
# ServiceNow fetches a file as soon as it is told of it.
FETCH_PATIENCE = timedelta(seconds=60)
NOT_FETCHED = (
    "ServiceNow did not fetch the file. Its administrator must add the host of"
    " PUBLIC_URL to the trusted media domains."
)
TOO_MANY = "The message has more files than this bot takes."


def outbound(attachment: Attachment) -> OutboundFile:
    """Return a file as a chat system takes it: to be read here, or fetched from us."""
    return OutboundFile(
        id=str(attachment.pk),
        file_name=attachment.file_name,
        content_type=attachment.content_type,
        url=files.address(attachment),
        token=files.token(attachment, audience=files.Audience.SERVICENOW),
        read=partial(_read, attachment),
    )


def _read(attachment: Attachment) -> bytes:
    try:
        with nothing_sent():
            return b"".join(files.pieces(attachment))
    except AttachmentPiece.DoesNotExist as exc:
        detail = "The file expired before it could be sent."
        raise Rejected(detail, status=410) from exc


def fetch(
    handoff: Handoff, system: ChatSystem, message: InboundMessage, *, give_up: bool
) -> list[Attachment]:
    """Get a message's files from ServiceNow, outside of any transaction.

    What was fetched before the worker died is found again. A file that cannot be had
    comes back with its `error`; one that may still be had raises the DeliveryError,
    unless the caller wants to `give_up`.
    """
    found = _files_of(handoff, system, message, give_up=give_up)
    return [
        _held(handoff, file)
        or _get(handoff, system, file, give_up=give_up, place=place)
        for place, file in enumerate(found)
    ]


def _files_of(
    handoff: Handoff, system: ChatSystem, message: InboundMessage, *, give_up: bool
) -> list[InboundFile]:
    conversation = Conversation(group_id=handoff.group_id)
    bound = handoff.attachments.exclude(message=None).exclude(source="")
    known = set(bound.values_list("source", flat=True))
    try:
        return system.files_of(conversation, message, known=known)
    except DeliveryError as exc:
        if not (give_up or isinstance(exc, Rejected)):
            raise
        # A file whose place is not known is still named by the message's text.
        return [file for file in message.files if file.source]


def _held(handoff: Handoff, file: InboundFile) -> Attachment | None:
    return handoff.attachments.filter(source=file.source, message=None).first()


def _get(
    handoff: Handoff,
    system: ChatSystem,
    file: InboundFile,
    *,
    give_up: bool,
    place: int,
) -> Attachment:
    bot = handoff.bot
    try:
        if place >= bot.max_attachments:
            raise Rejected(TOO_MANY, status=413)
        content = system.download(file, max_bytes=files.max_bytes(bot))
        return files.store(
            bot=bot,
            handoff=handoff,
            file_name=file.file_name,
            source=file.source,
            content=BytesIO(content),
        )
    except (DeliveryError, HandoffError) as exc:
        is_final = give_up or isinstance(exc, Rejected | HandoffError)
        if not is_final:
            raise
        return files.note_missing(
            handoff=handoff,
            file_name=file.file_name,
            source=file.source,
            error=str(exc),
        )


def without_label(
    message: InboundMessage, attachments: Sequence[Attachment]
) -> InboundMessage:
    """Return the message without a text that only names one of its files."""
    kept = [attachment.file_name for attachment in attachments]
    # What a file is called there, where it is kept by another name.
    told = [file.file_name for file in message.files if kept]
    labels = map(files.label, [*kept, *told])
    is_label = message.text.strip() in labels
    return replace(message, text="", html="") if is_label else message


def tell_unfetched() -> None:
    """Tell of files that ServiceNow was offered and left where they were."""
    left = Attachment.objects.filter(
        offered_at__lte=now() - FETCH_PATIENCE, fetched_at=None
    )
    for pk, handoff_id in left.values_list("pk", "handoff")[:BATCH]:
        with transaction.atomic():
            _fail_unfetched(lifecycle.lock(handoff_id), pk)


def _fail_unfetched(handoff: Handoff, attachment_id: UUID) -> None:
    items = Outgoing.objects.filter(attachment=attachment_id, state=ItemState.SENT)
    item = items.select_related("attachment", "message").first()
    if item is None or item.attachment is None or item.attachment.fetched_at:
        return
    item.attachment.offered_at = None
    item.attachment.save(update_fields=["offered_at"])
    items.give_up(error=NOT_FETCHED)
    if item.message:
        lifecycle.part_failed(handoff, item.message, item=item, error=NOT_FETCHED)
