"""Calls to the Virtual Agent API: one endpoint, whose 200 only says *received*."""

from collections.abc import Container, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar
from uuid import uuid4

from handoff.chat_systems.agent_chat import (
    addresses,
    bodies,
    envelope,
    reading,
    records,
)
from handoff.chat_systems.agent_chat.door import Door
from handoff.chat_systems.agent_chat.starting import Start
from handoff.chat_systems.base import Traits
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
from servicenow_auth.client import Instance


class AgentChat:
    traits: ClassVar = Traits(
        text_limit=100_000,
        needs_queue=False,
        names_conversation=True,
        takes_transcript=True,
        waits_for_agent=True,
        can_read=False,
        tables=("interaction", "sys_cs_message"),
        fetches_files=True,
        ends_twice=True,
        end_may_repeat=True,
        has_typing=True,
        has_receipts=True,
        # No such resource: the app is not installed, or not under this name.
        refusals={404: Reason.NOT_ROUTED},
    )

    def __init__(self, bot: Bot, instance: Instance) -> None:
        self.bot = bot
        self.instance = instance
        self.door = Door(instance, configuration=bot.agent_chat)

    @staticmethod
    def news(bot: Bot, body: Any) -> list[News]:
        return reading.read(body, configuration=bot.agent_chat)

    @staticmethod
    def group_of(body: Any) -> str:
        return reading.group_of(body)

    @staticmethod
    def echo_of(body: Any) -> Echo:
        return envelope.echo_of(body)

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
        start = Start(
            door=self.door,
            conversation=conversation,
            opening=opening,
            send_before=send_before,
        )
        return start.make()

    def send(
        self,
        conversation: Conversation,
        message: OutboundMessage,
        *,
        send_before: float | None = None,
    ) -> str:
        """Post a text, the value of a choice, or a file that ServiceNow fetches."""
        chosen = message.choice_value
        body = bodies.message(
            message_id=message.id,
            text="" if message.file else chosen or message.text,
            typed=not chosen,
            file=message.file,
        )
        self.door.ask(
            conversation, request_id=message.id, send_before=send_before, message=body
        )
        return ""

    def end(
        self, conversation: Conversation, *, send_before: float | None = None
    ) -> None:
        self._signal(conversation, action="END_CONVERSATION", send_before=send_before)

    def messages(
        self, conversation: Conversation, *, since: datetime | None = None
    ) -> list[InboundMessage]:
        """Return our own texts alone, whatever `since`: see `records`."""
        user_name = self.bot.connection.runtime.user_name
        return records.texts(self.instance, conversation, author=user_name)

    def observe(self, conversation: Conversation) -> Observation | None:
        """Show an end alone: what else there is to know comes by callback."""
        return records.observe(self.instance, conversation)

    def entries(self, *, queue_id: str) -> list[Entry]:
        """Return nothing: the API has no door to read by."""
        return []

    def written(self, *, group_ids: Sequence[str], since: datetime) -> Written:
        """Return nothing: the API has no door to read by."""
        return Written()

    def standing(self, *, group_ids: Sequence[str]) -> list[Observation]:
        """Show nothing: what there is to know comes by callback."""
        return []

    def line(self, *, queue_id: str) -> list[Observation]:
        """Show nothing: the wait is told by callback."""
        return []

    def agent(self, *, agent_id: str) -> Agent | None:
        """Tell nothing: name and picture come with the agent's messages."""
        return None

    def set_typing(self, conversation: Conversation, *, typing: bool) -> None:
        self._signal(conversation, action="TYPING" if typing else "VIEWING")

    def _signal(
        self,
        conversation: Conversation,
        *,
        action: str,
        send_before: float | None = None,
    ) -> None:
        request_id = uuid4().hex
        self.door.ask(
            conversation,
            request_id=request_id,
            send_before=send_before,
            action=action,
            message=bodies.message(message_id=request_id),
        )

    def acknowledge(
        self, conversation: Conversation, receipts: Mapping[str, bool]
    ) -> None:
        statuses = [
            {"id": sys_id, "status": "sent_to_user" if reached else "external_error"}
            for sys_id, reached in receipts.items()
        ]
        self.door.ask(
            conversation,
            request_id=uuid4().hex,
            action="UPDATE_MESSAGES",
            message=statuses,
        )

    def files_of(
        self,
        conversation: Conversation,
        message: InboundMessage,
        *,
        known: Container[str],
    ) -> list[InboundFile]:
        return message.files

    def download(self, file: InboundFile, *, max_bytes: int) -> bytes:
        path = addresses.path_of(file.source, origin=self.bot.connection.host_url)
        return self.instance.get_file(path, max_bytes=max_bytes)
