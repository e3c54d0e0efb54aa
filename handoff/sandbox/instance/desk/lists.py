"""The chats of both systems in one list."""

from collections.abc import Iterable, Sequence

from handoff.sandbox.instance.desk.agent_chats import AgentChat
from handoff.sandbox.instance.desk.chats import Chat
from handoff.sandbox.instance.desk.support_chats import SupportChat
from handoff.sandbox.instance.models import Row

_SYSTEMS: Sequence[type[Chat]] = (SupportChat, AgentChat)


def waiting(agent: Row) -> list[Chat]:
    return _oldest_first(chat for system in _SYSTEMS for chat in system.waiting(agent))


def mine(agent: Row) -> list[Chat]:
    return _oldest_first(chat for system in _SYSTEMS for chat in system.mine(agent))


def find(sys_id: str, *, agent: Row) -> Chat | None:
    """Return the chat, if it is one that the agent may see: no two share an id."""
    found = (system.find(sys_id, agent=agent) for system in _SYSTEMS)
    return next(filter(None, found), None)


def _oldest_first(chats: Iterable[Chat]) -> list[Chat]:
    return sorted(chats, key=lambda chat: chat.row.created_ms)
