"""A chat as the desk shows it, whichever chat system holds it."""

import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar, Self

from django.db import transaction

from handoff.sandbox.instance import attachments, store
from handoff.sandbox.instance.models import Row
from handoff.sandbox.instance.support import NotPossible

# What may be shown in our own pages: no format that can hold a script.
_PICTURES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp"})


class File:
    """A file of a message."""

    def __init__(self, row: Row) -> None:
        self.row = row
        self.sys_id = row.sys_id
        self.name = row.value("file_name")
        self.size = int(row.value("size_bytes") or 0)
        self.is_picture = row.value("content_type") in _PICTURES


@dataclass(frozen=True, kw_only=True)
class Line:
    """One message; `role` is requester, agent, system, virtual_agent or history.

    `delivery` is what the requester's side reports of an agent's message: `sent`,
    `failed`, or "" as long as it reports nothing.
    """

    sys_id: str
    role: str
    author: str
    text: str
    sent_at: datetime
    files: Sequence[File] = ()
    delivery: str = ""

    @property
    def is_history(self) -> bool:
        return self.role == "history"


class Chat(ABC):
    """What the desk shows and asks of a chat; acts raise support.NotPossible."""

    system: ClassVar[str]
    system_label: ClassVar[str]
    # The table whose record carries the chat's files.
    file_table: ClassVar[str]
    can_be_rejected: ClassVar[bool] = False
    has_typing: ClassVar[bool] = False

    number: str
    subject: str
    state: str
    state_label: str
    queue: str
    requester: str
    file_record: str
    is_waiting: bool
    can_write: bool
    can_end: bool
    requester_is_typing: bool = False

    def __init__(self, row: Row, *, agent: Row) -> None:
        self.row = row
        self.agent = agent
        self.sys_id = row.sys_id

    @classmethod
    @abstractmethod
    def waiting(cls, agent: Row) -> list[Self]: ...

    @classmethod
    @abstractmethod
    def mine(cls, agent: Row) -> list[Self]:
        """Return the chats that the agent has yet to close, oldest first."""

    @classmethod
    @abstractmethod
    def find(cls, sys_id: str, *, agent: Row) -> Self | None:
        """Return the chat, if it is one that the agent may see."""

    @abstractmethod
    def lines(self) -> list[Line]: ...

    @abstractmethod
    def other_queues(self) -> list[Row]: ...

    @abstractmethod
    def accept(self) -> None: ...

    @abstractmethod
    def say(self, text: str) -> None: ...

    @abstractmethod
    def say_file(self, file: Row) -> None:
        """Send a file that this chat's record carries."""

    @abstractmethod
    def transfer(self, queue: Row) -> None: ...

    @abstractmethod
    def end(self) -> None: ...

    def reject(self) -> None:
        raise NotPossible(f"{self.system_label} lets nobody reject a chat")

    def set_typing(self, *, typing: bool) -> None:
        raise NotPossible(f"{self.system_label} does not show who is typing")

    @transaction.atomic
    def send_file(self, *, file_name: str, content_type: str, content: bytes) -> None:
        file = attachments.store(
            table=self.file_table,
            record=self.file_record,
            file_name=file_name,
            content_type=content_type,
            content=content,
            by=self.agent.value("user_name"),
        )
        self.say_file(file)

    def file(self, sys_id: str) -> File | None:
        """Return a file that this chat's record carries."""
        row = store.get(table="sys_attachment", sys_id=sys_id)
        if row is None or row.value("table_sys_id") != self.file_record:
            return None
        return File(row)

    def minutes_waited(self) -> int:
        return int(time.time() - self.row.created_ms / 1000) // 60


def time_of(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, tz=UTC)
