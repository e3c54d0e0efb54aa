"""The agents' desk: what waits there, what is written on it, and who writes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tests.chaos.plan import AGENT_CHAT
from tests.sandbox.instance import AGENT, BOT, Browser, Instance


@dataclass(frozen=True, kw_only=True)
class Chat:
    # By which the desk's addresses name it, and by which its lines do.
    sys_id: str
    group: str
    question: str
    is_waiting: bool
    is_open: bool


@dataclass(frozen=True, kw_only=True)
class Line:
    group: str
    is_requesters: bool
    is_agents: bool
    text: str


class Desk:
    """An agent in a browser, who sees the chats of one chat system."""

    def __init__(self, instance: Instance, *, system: str) -> None:
        self.instance = instance
        self.system = system
        self.browser = Browser(instance)
        self.browser.log_in(AGENT)
        self.page = self.browser.get("/desk/")

    def chats(self) -> list[Chat]:
        if self.system == AGENT_CHAT:
            rows = self.instance.table("interaction")
            return [_interaction(row) for row in rows]
        return [_entry(row) for row in self.instance.table("chat_queue_entry")]

    def lines(self, chats: Sequence[Chat]) -> list[Line]:
        """Return all that is written in these chats, oldest first."""
        return [line for chat in chats for line in self._lines(chat.group)]

    def _lines(self, group: str) -> list[Line]:
        if self.system == AGENT_CHAT:
            query = f"interaction={group}"
            rows = self.instance.table("sys_cs_message", sysparm_query=query)
            return [_of_agent_chat(row) for row in rows]
        rows = self.instance.table("live_message", sysparm_query=f"group={group}")
        return [_of_connect(row) for row in rows]

    def accept(self, chat: Chat) -> bool:
        return self._act(chat, "accept")

    def say(self, chat: Chat, text: str) -> bool:
        return self._act(chat, "messages", text=text)

    def end(self, chat: Chat) -> bool:
        return self._act(chat, "end")

    def _act(self, chat: Chat, action: str, **fields: str) -> bool:
        path = f"/desk/chats/{chat.sys_id}/{action}/"
        answer = self.browser.submit(self.page, action=path, file=None, **fields)
        return answer.is_redirect


def _interaction(row: dict[str, Any]) -> Chat:
    return Chat(
        sys_id=row["sys_id"],
        group=row["sys_id"],
        question=row["short_description"],
        is_waiting=row["stage"] == "queued",
        is_open=row["stage"] == "active",
    )


def _entry(row: dict[str, Any]) -> Chat:
    return Chat(
        sys_id=row["sys_id"],
        group=_id(row["group"]),
        question=row["short_description"],
        is_waiting=row["state"] == "1",
        is_open=row["state"] == "2",
    )


def _of_agent_chat(row: dict[str, Any]) -> Line:
    return Line(
        group=_id(row["interaction"]),
        is_requesters=row["role"] == "requester",
        is_agents=row["role"] == "agent",
        text=row["payload"],
    )


def _of_connect(row: dict[str, Any]) -> Line:
    return Line(
        group=_id(row["group"]),
        is_requesters=row["sys_created_by"] == BOT[0],
        is_agents=row["sys_created_by"] == AGENT[0],
        text=row["message"],
    )


def _id(reference: Any) -> str:
    """Return the sys_id in a column that the Table API shows as a link."""
    return str(reference["value"] if isinstance(reference, dict) else reference)
