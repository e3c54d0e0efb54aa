"""Chats of Agent Chat on the desk."""

from typing import Self

from handoff.sandbox.instance import store
from handoff.sandbox.instance.desk.chats import Chat, File, Line, time_of
from handoff.sandbox.instance.models import Row
from handoff.sandbox.instance.virtual_agent import chat, conversation
from handoff.sandbox.instance.virtual_agent.conversation import Role, Stage

_DELIVERIES = {"sent_to_user": "sent", "external_error": "failed"}


class AgentChat(Chat):
    system = "agent_chat"
    system_label = "Agent Chat"
    file_table = "interaction"
    can_be_rejected = True
    has_typing = True

    def __init__(self, interaction: Row, *, agent: Row) -> None:
        super().__init__(interaction, agent=agent)
        self.number = interaction.value("number")
        self.file_record = interaction.sys_id
        self.subject = interaction.value("short_description")
        self.state = interaction.value("stage")
        self.state_label = _label(interaction)
        self.queue = store.display_value(interaction, column="queue")
        self.requester = conversation.requester_name(interaction)
        self.requester_is_typing = chat.requester_is_typing(interaction)
        is_mine = interaction.value("assigned_to") == agent.sys_id
        self.is_waiting = self.state == Stage.QUEUED
        self.can_write = self.can_end = is_mine and self.state == Stage.ACTIVE

    @classmethod
    def waiting(cls, agent: Row) -> list[Self]:
        return [cls(found, agent=agent) for found in chat.waiting(agent)]

    @classmethod
    def mine(cls, agent: Row) -> list[Self]:
        return [cls(found, agent=agent) for found in chat.mine(agent)]

    @classmethod
    def find(cls, sys_id: str, *, agent: Row) -> Self | None:
        interaction = store.get(table="interaction", sys_id=sys_id)
        if interaction is None or not chat.may_see(agent, interaction=interaction):
            return None
        return cls(interaction, agent=agent)

    def lines(self) -> list[Line]:
        return [self._line(message) for message in chat.lines(self.row)]

    def other_queues(self) -> list[Row]:
        queues = store.find("awa_queue", active="true")
        return [queue for queue in queues if queue.sys_id != self.row.value("queue")]

    def accept(self) -> None:
        chat.accept(interaction=self.row, agent=self.agent)

    def reject(self) -> None:
        chat.reject(interaction=self.row, agent=self.agent)

    def say(self, text: str) -> None:
        chat.say(interaction=self.row, agent=self.agent, text=text)

    def say_file(self, file: Row) -> None:
        chat.send_file(interaction=self.row, agent=self.agent, attachment=file)

    def set_typing(self, *, typing: bool) -> None:
        chat.set_typing(interaction=self.row, agent=self.agent, typing=typing)

    def transfer(self, queue: Row) -> None:
        chat.transfer(interaction=self.row, agent=self.agent, queue=queue)

    def end(self) -> None:
        chat.close(interaction=self.row, agent=self.agent)

    def _line(self, message: Row) -> Line:
        role, author = message.value("role"), message.value("author")
        file = store.dereference(message, column="attachment")
        return Line(
            sys_id=message.sys_id,
            role=role,
            author=self.requester if role == Role.REQUESTER else author,
            text=message.value("payload"),
            sent_at=time_of(message.created_ms),
            files=[File(file)] if file else [],
            delivery=_DELIVERIES.get(message.value("status"), ""),
        )


def _label(interaction: Row) -> str:
    if interaction.value("stage") == Stage.QUEUED:
        return "Waiting"
    label = store.display_value(interaction, column="state")
    reason = interaction.value("state_reason")
    return f"{label}: {reason}" if reason else label
