"""What a chat system can do, and what sets one apart from another."""

from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Protocol

from handoff.chat_systems.values import (
    Agent,
    Availability,
    Conversation,
    Echo,
    Entry,
    InboundFile,
    InboundMessage,
    News,
    Observation,
    Opening,
    OutboundMessage,
    Written,
)
from handoff.models import Bot
from handoff.models.handoff import Reason


@dataclass(frozen=True, kw_only=True)
class Traits:
    """What sets one chat system apart from another, for those who serve it."""

    # Characters that one message may have.
    text_limit: int
    # A handoff must name a queue.
    needs_queue: bool
    # We name the conversation, so its name is known before it is opened.
    names_conversation: bool
    # What was said before goes with the start, not as messages after it.
    takes_transcript: bool
    # Before an agent is there nothing can be said.
    waits_for_agent: bool
    # Its messages can be read again.
    can_read: bool
    # Where ServiceNow keeps what we wrote, for whoever grants rights.
    tables: tuple[str, ...]
    # A file has arrived only when ServiceNow fetched it from us.
    fetches_files: bool
    # When an agent ends it, the conversation goes on without him until we end it too.
    ends_twice: bool
    # To end it once more shows nobody anything.
    end_may_repeat: bool
    has_typing: bool
    has_receipts: bool
    # Why a start was refused, by HTTP status; anything else is `rejected`.
    refusals: Mapping[int, Reason]


class ChatSystem(Protocol):
    """One conversation is named by its `group_id` from `start` on.

    Every method raises a servicenow_auth.exceptions.DeliveryError, whose class says
    what became of the call. `send_before` is a time.monotonic(): nothing is sent
    after it.
    """

    traits: ClassVar[Traits]

    @staticmethod
    def news(bot: Bot, body: Any) -> list[News]:
        """Return what a callback says, in order; nothing where it is unknown."""

    @staticmethod
    def group_of(body: Any) -> str:
        """Return the conversation that a callback is about, or ""."""

    @staticmethod
    def echo_of(body: Any) -> Echo:
        """Return what a callback shows of our requests."""

    def availability(self, *, queue_id: str) -> Availability: ...

    def start(
        self,
        conversation: Conversation,
        opening: Opening,
        *,
        send_before: float | None = None,
    ) -> Observation: ...

    def send(
        self,
        conversation: Conversation,
        message: OutboundMessage,
        *,
        send_before: float | None = None,
    ) -> str:
        """Post a message and return the sys_id it got, or "" where none is told."""

    def end(
        self, conversation: Conversation, *, send_before: float | None = None
    ) -> None: ...

    def messages(
        self, conversation: Conversation, *, since: datetime | None = None
    ) -> list[InboundMessage]:
        """Return the conversation's messages, oldest first.

        Where they can't be read, at least the texts that we wrote, if they are shown.
        """

    def observe(self, conversation: Conversation) -> Observation | None:
        """Return what the queue shows of the conversation; None: nothing."""

    def entries(self, *, queue_id: str) -> list[Entry]:
        """Return what is shown to us of a queue, where it can be read."""

    def written(self, *, group_ids: Sequence[str], since: datetime) -> Written:
        """Return what was written in some conversations, where `can_read`."""

    def standing(self, *, group_ids: Sequence[str]) -> list[Observation]:
        """Return how some conversations stand, as far as they are shown to us."""

    def line(self, *, queue_id: str) -> list[Observation]:
        """Return who is open in a queue, with the places of those who wait."""

    def agent(self, *, agent_id: str) -> Agent | None: ...

    def set_typing(self, conversation: Conversation, *, typing: bool) -> None:
        """Tell the agent that the user types, or stopped, where `has_typing`."""

    def acknowledge(
        self, conversation: Conversation, receipts: Mapping[str, bool]
    ) -> None:
        """Tell of messages, by sys_id, whether they reached the bot: `has_receipts`."""

    def files_of(
        self,
        conversation: Conversation,
        message: InboundMessage,
        *,
        known: Container[str],
    ) -> list[InboundFile]:
        """Return a message's files; `known` are sources that other messages have."""

    def download(self, file: InboundFile, *, max_bytes: int) -> bytes:
        """Return a file's content; Rejected where it is larger than `max_bytes`."""
