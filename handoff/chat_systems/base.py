"""What a chat system can do, in the product's words."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol


class EntryState(StrEnum):
    """Where ServiceNow says a handoff stands."""

    WAITING = "waiting"
    ACCEPTED = "accepted"
    # Moved to another queue; the conversation goes on there.
    ESCALATED = "escalated"
    # An agent closed it.
    CLOSED = "closed"
    # After an agent had it we left, or ServiceNow timed us out as its requester.
    LEFT = "left"
    # The same before an agent had it.
    ABANDONED = "abandoned"
    # ServiceNow knows nothing of it any more, or does not show it to us.
    GONE = "gone"
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True)
class Observation:
    """What ServiceNow shows of a handoff at one moment; empty means not told."""

    state: EntryState
    group_id: str
    entry_id: str = ""
    number: str = ""
    queue_id: str = ""
    agent_id: str = ""
    agent_name: str = ""
    position: int | None = None
    wait_text: str = ""
    wait_seconds: int | None = None


@dataclass(frozen=True, kw_only=True)
class InboundMessage:
    """A message that ServiceNow shows; `author` is a user_name, or "system"."""

    group_id: str
    sys_id: str
    author: str
    text: str
    html: str
    sender_name: str = ""
    sent_at: datetime | None = None
    internal: bool = False
    links: list[dict[str, str]] = field(default_factory=list)

    @property
    def is_system(self) -> bool:
        return self.author == "system"


@dataclass(frozen=True, kw_only=True)
class Agent:
    name: str
    avatar_url: str = ""


@dataclass(frozen=True, kw_only=True)
class Availability:
    """`state` is open, closed or unknown; `text` is the queue's own, plain."""

    state: str
    text: str = ""
    wait_seconds: int | None = None
    wait_text: str = ""


class ChatSystem(Protocol):
    """One conversation is named by its `group_id` from `start` on.

    Every method raises a servicenow_auth.exceptions.DeliveryError, whose class says
    what became of the call. `send_before` is a time.monotonic(): nothing is sent
    after it.
    """

    # Characters that one message may have.
    text_limit: int

    def availability(self, *, queue_id: str) -> Availability: ...

    def start(
        self, *, queue_id: str, text: str, send_before: float | None = None
    ) -> Observation: ...

    def send(
        self, *, group_id: str, text: str, send_before: float | None = None
    ) -> str:
        """Post a message and return the sys_id it got, or "" where none is told."""

    def end(self, *, group_id: str, send_before: float | None = None) -> None: ...

    def messages(
        self, *, group_id: str, since: datetime | None = None
    ) -> list[InboundMessage]:
        """Return the conversation's messages, oldest first."""

    def observe(self, *, group_id: str) -> Observation | None:
        """Return what the queue shows of the conversation; None: nothing."""

    def agent(self, *, agent_id: str) -> Agent | None: ...
