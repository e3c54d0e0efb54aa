"""Who may have a file: addresses that are signed, each for one side of a handoff."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.signing import BadSignature, Signer
from django.urls import reverse

from handoff.models import Attachment


class Audience(StrEnum):
    # The user's browser, or whatever the bot shows files with.
    BOT = "bot"
    # The agent's side.
    SERVICENOW = "servicenow"


def address(attachment: Attachment) -> str:
    path = reverse("api:attachment", args=[attachment.pk])
    return f"{settings.PUBLIC_URL}{path}"


def token(attachment: Attachment, *, audience: Audience) -> str:
    """Return what lets its holder have this file until it expires."""
    return _signer(audience).signature(str(attachment.pk))


def audience_of(attachment_id: UUID, *, token: str) -> Audience | None:
    """Return whom a token was made for, None if it was not made for this file."""
    for audience in Audience:
        try:
            _signer(audience).unsign(f"{attachment_id}:{token}")
        except BadSignature:
            continue
        return audience
    return None


def describe(attachment: Attachment) -> dict[str, Any]:
    """Return a file as the bot is told of it: JSON, the address signed for its user."""
    signed = f"{address(attachment)}?token={token(attachment, audience=Audience.BOT)}"
    return {
        "id": str(attachment.pk),
        "file_name": attachment.file_name,
        "content_type": attachment.content_type or None,
        "size": None if attachment.error else attachment.size,
        "url": None if attachment.error else signed,
        "expires_at": None if attachment.error else _utc(attachment.expires_at),
        "error": attachment.error or None,
    }


def _utc(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")


def _signer(audience: Audience) -> Signer:
    return Signer(salt=f"handoff.files.{audience}")
