"""What a bot asks for, and what makes two requests the same."""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from handoff.models.message import Role
from handoff.opening import TranscriptEntry


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


def body_hash(request: StartRequest | NewMessage) -> str:
    """Return what tells one body from another, whatever way it was written."""
    content = json.dumps(asdict(request), sort_keys=True, default=str)
    return hashlib.sha256(content.encode()).hexdigest()
