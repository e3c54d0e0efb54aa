"""A chat and its messages as the desk shows them."""

from dataclasses import dataclass
from datetime import UTC, datetime

from handoff.sandbox.instance import acl, store, support
from handoff.sandbox.instance.connect_json import messages_json
from handoff.sandbox.instance.models import Row
from handoff.sandbox.instance.support import State


@dataclass(frozen=True)
class Line:
    """One message, from the requester, an agent or the system."""

    sys_id: str
    role: str
    author: str
    text: str
    sent_at: datetime


class Chat:
    def __init__(self, entry: Row, *, agent: Row) -> None:
        self.entry = entry
        self.sys_id = entry.sys_id
        self.number = entry.value("number")
        self.group = entry.value("group")
        self.subject = entry.value("short_description")
        self.state = entry.value("state")
        self.state_label = store.display_value(entry, column="state")
        self.queue = store.display_value(entry, column="queue")
        self.requester = store.display_value(entry, column="opened_by")
        self.is_mine = entry.value("assigned_to") == agent.sys_id
        self.is_waiting = self.state == State.WAITING
        # The agent of a chat whose requester has left still has to close it.
        self.can_end = self.is_mine and self.state in {
            State.IN_PROGRESS,
            State.CLOSED_BY_CLIENT,
        }
        self.can_write = self.is_mine and self.state == State.IN_PROGRESS

    def lines(self) -> list[Line]:
        requester = store.read(self.entry, path="opened_by.user_name")
        roles = {requester: "requester", support.SYSTEM: "system"}
        return [
            Line(
                sys_id=message["sys_id"],
                role=roles.get(message["created_by"], "agent"),
                author=message["sender_name"],
                text=message["formatted_message"],
                sent_at=datetime.fromtimestamp(message["timestamp"] / 1000, tz=UTC),
            )
            for message in messages_json(support.messages(self.group))
        ]


def waiting_chats(agent: Row) -> list[Chat]:
    entries = store.find("chat_queue_entry", state=State.WAITING)
    return [
        Chat(entry, agent=agent)
        for entry in entries
        if acl.works_on(agent, entry=entry)
    ]


def my_chats(agent: Row) -> list[Chat]:
    """Return the chats that I have yet to close, oldest first."""
    entries = store.find("chat_queue_entry", assigned_to=agent.sys_id)
    chats = [Chat(entry, agent=agent) for entry in entries]
    return [chat for chat in chats if chat.can_end]
