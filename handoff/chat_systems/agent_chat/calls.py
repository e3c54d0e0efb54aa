"""Calls to the Virtual Agent API: one endpoint, whose 200 only says *received*."""

from collections.abc import Container, Mapping
from datetime import datetime
from typing import Any, ClassVar

from handoff.chat_systems.agent_chat import reading
from handoff.chat_systems.base import (
    Agent,
    Availability,
    Conversation,
    InboundFile,
    InboundMessage,
    News,
    Observation,
    Opening,
    OutboundMessage,
    Traits,
)
from handoff.models import Bot
from handoff.models.handoff import Reason
from servicenow_auth.client import Instance

ENDPOINT = "/api/sn_va_as_service/bot/integration"


class AgentChat:
    traits: ClassVar = Traits(
        text_limit=100_000,
        needs_queue=False,
        names_conversation=True,
        takes_history=True,
        waits_for_agent=True,
        can_read=False,
        fetches_files=True,
        ends_twice=True,
        has_typing=True,
        has_receipts=True,
        # No such resource: the app is not installed, or not under this name.
        refusals={404: Reason.NOT_ROUTED},
    )

    def __init__(self, bot: Bot, instance: Instance) -> None:
        self.configuration = bot.agent_chat
        self.instance = instance

    @staticmethod
    def news(bot: Bot, body: Any) -> list[News]:
        return reading.read(body, configuration=bot.agent_chat)

    @staticmethod
    def group_of(body: Any) -> str:
        return reading.group_of(body)

    def availability(self, *, queue_id: str) -> Availability:
        """Tell nothing: the API has no door that does."""
        return Availability(state="unknown")

    def start(
        self,
        conversation: Conversation,
        opening: Opening,
        *,
        send_before: float | None = None,
    ) -> Observation:
        raise NotImplementedError

    def send(
        self,
        conversation: Conversation,
        message: OutboundMessage,
        *,
        send_before: float | None = None,
    ) -> str:
        raise NotImplementedError

    def end(
        self, conversation: Conversation, *, send_before: float | None = None
    ) -> None:
        raise NotImplementedError

    def messages(
        self, conversation: Conversation, *, since: datetime | None = None
    ) -> list[InboundMessage]:
        raise NotImplementedError

    def observe(self, conversation: Conversation) -> Observation | None:
        """Show nothing: what there is to know comes by callback."""
        return None

    def agent(self, *, agent_id: str) -> Agent | None:
        """Tell nothing: name and picture come with the agent's messages."""
        return None

    def set_typing(self, conversation: Conversation, *, typing: bool) -> None:
        raise NotImplementedError

    def acknowledge(
        self, conversation: Conversation, receipts: Mapping[str, bool]
    ) -> None:
        raise NotImplementedError

    def files_of(
        self,
        conversation: Conversation,
        message: InboundMessage,
        *,
        known: Container[str],
    ) -> list[InboundFile]:
        return message.files

    def download(self, file: InboundFile, *, max_bytes: int) -> bytes:
        raise NotImplementedError
