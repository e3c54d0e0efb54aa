"""What the chat page shows of the rows."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.urls import reverse
from django.utils import timezone

from handoff.sandbox.demo_bot import chat, extras, script, settings
from handoff.sandbox.demo_bot.models import (
    Conversation,
    Handoff,
    Message,
    State,
    initials,
)

AN_AGENT = "Agent"


@dataclass(frozen=True, kw_only=True)
class Status:
    """With whom the user is talking, as the head of the chat says it."""

    state: str
    name: str
    detail: str
    avatar_url: str = ""

    @property
    def initials(self) -> str:
        return initials(self.name)


@dataclass(frozen=True, kw_only=True)
class Line:
    """A message, and what of it this page may load and offer."""

    message: Message
    avatar_url: str
    files: list[dict[str, Any]]
    is_choosable: bool


def lines(conversation: Conversation, *, handoff: Handoff | None) -> list[Line]:
    """Return the chat from top to bottom; `handoff` is the open one."""
    return [
        Line(
            message=message,
            avatar_url=_image(message.avatar_url),
            files=_files(message),
            is_choosable=chat.is_choosable(message=message, handoff=handoff),
        )
        for message in chat.messages_in_order(conversation)
    ]


def status(handoff: Handoff | None) -> Status:
    if handoff is None:
        return Status(state="bot", name=script.NAME, detail="Answers at once")
    if handoff.end_asked or handoff.state == State.ACCEPTED:
        ending = handoff.end_asked
        return Status(
            state=handoff.state,
            name=handoff.agent_name or AN_AGENT,
            detail="Ending the chat…" if ending else "You are with a person",
            avatar_url=_image(handoff.agent_avatar_url),
        )
    place = f"You are number {handoff.position}" if handoff.position else ""
    detail = " · ".join(filter(None, [place, _wait(handoff)]))
    return Status(
        state=handoff.state,
        name="Waiting for an agent",
        detail=detail or "This may take a moment",
    )


def typing(handoff: Handoff | None) -> str:
    """Return who is typing, in words, or ""."""
    until = handoff.typing_until if handoff else None
    if handoff is None or until is None or until < timezone.now():
        return ""
    return f"{handoff.typing_name or handoff.agent_name or AN_AGENT} is typing…"


def _wait(handoff: Handoff) -> str:
    if handoff.wait_text:
        return f"Estimated wait: {handoff.wait_text}"
    if handoff.wait_seconds is None:
        return ""
    if handoff.wait_seconds < 90:
        return "Estimated wait: about a minute"
    return f"Estimated wait: about {round(handoff.wait_seconds / 60)} minutes"


def _files(message: Message) -> list[dict[str, Any]]:
    own = message.own_file
    if own is None:
        return [
            file | {"is_picture": file["is_picture"] and bool(_image(file["url"]))}
            for file in message.attachments
        ]
    return [
        {
            "name": own.name,
            "url": reverse("file", args=[own.pk]),
            "size": own.size,
            "is_picture": own.content_type in extras.PICTURES,
        }
    ]


def _image(url: str) -> str:
    """Return the address if our policy lets the page load an image from there."""
    parts = urlsplit(url)
    is_local = parts.scheme == "http" and parts.hostname in settings.IMAGE_HOSTS
    is_product = f"{parts.scheme}://{parts.netloc}" == settings.IMAGE_ORIGIN
    return url if is_local or is_product else ""
