"""Chats of Connect Support on the desk."""

from typing import Self

from handoff.sandbox.instance import acl, store, support
from handoff.sandbox.instance.connect_json import messages_json
from handoff.sandbox.instance.desk.chats import Chat, File, Line, time_of
from handoff.sandbox.instance.models import Row
from handoff.sandbox.instance.support import State


class SupportChat(Chat):
    system = "connect_support"
    system_label = "Connect Support"
    file_table = support.GROUP

    def __init__(self, entry: Row, *, agent: Row) -> None:
        super().__init__(entry, agent=agent)
        self.number = entry.value("number")
        self.group = self.file_record = entry.value("group")
        self.subject = entry.value("short_description")
        self.state = entry.value("state")
        self.state_label = store.display_value(entry, column="state")
        self.queue = store.display_value(entry, column="queue")
        self.requester = store.display_value(entry, column="opened_by")
        is_mine = entry.value("assigned_to") == agent.sys_id
        self.is_waiting = self.state == State.WAITING
        # The agent of a chat whose requester has left still has to close it.
        self.can_end = is_mine and self.state in {
            State.IN_PROGRESS,
            State.CLOSED_BY_CLIENT,
        }
        self.can_write = is_mine and self.state == State.IN_PROGRESS

    @classmethod
    def waiting(cls, agent: Row) -> list[Self]:
        entries = store.find("chat_queue_entry", state=State.WAITING)
        return [
            cls(entry, agent=agent)
            for entry in entries
            if acl.works_on(agent, entry=entry)
        ]

    @classmethod
    def mine(cls, agent: Row) -> list[Self]:
        entries = store.find("chat_queue_entry", assigned_to=agent.sys_id)
        chats = [cls(entry, agent=agent) for entry in entries]
        return [chat for chat in chats if chat.can_end]

    @classmethod
    def find(cls, sys_id: str, *, agent: Row) -> Self | None:
        entry = store.get(table="chat_queue_entry", sys_id=sys_id)
        if entry is None or not acl.may_see_entry(agent, entry=entry):
            return None
        return cls(entry, agent=agent)

    def lines(self) -> list[Line]:
        requester = store.read(self.row, path="opened_by.user_name")
        roles = {requester: "requester", store.SYSTEM: "system"}
        rows = support.files(self.group)
        lines = []
        for message in messages_json(support.messages(self.group)):
            files = [File(row) for row in rows.get(message["sys_id"], [])]
            line = Line(
                sys_id=message["sys_id"],
                role=roles.get(message["created_by"], "agent"),
                author=message["sender_name"],
                text=_text(message["formatted_message"], files=files),
                sent_at=time_of(message["timestamp"]),
                files=files,
            )
            lines.append(line)
        return lines

    def other_queues(self) -> list[Row]:
        queues = store.find("chat_queue", active="true")
        return [queue for queue in queues if queue.sys_id != self.row.value("queue")]

    def accept(self) -> None:
        support.accept(entry=self.row, agent=self.agent)

    def say(self, text: str) -> None:
        support.post(group=self.group, user=self.agent, text=text)

    def say_file(self, file: Row) -> None:
        text = _text_for(file.value("file_name"))
        support.post(group=self.group, user=self.agent, text=text, files=[file.sys_id])

    def transfer(self, queue: Row) -> None:
        support.escalate(entry=self.row, agent=self.agent, queue=queue)

    def end(self) -> None:
        support.close(entry=self.row, agent=self.agent)


def _text_for(file_name: str) -> str:
    """Return what the platform's own client writes with a file."""
    return f"File: {file_name}"


def _text(text: str, *, files: list[File]) -> str:
    """Return what is to be read besides the files."""
    return "" if text in {_text_for(file.name) for file in files} else text
