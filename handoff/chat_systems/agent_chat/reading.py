"""What the Virtual Agent API posts to the Callback URL, read as news."""

from typing import Any

from handoff.chat_systems.base import News
from handoff.models import AgentChatConfiguration


def group_of(body: Any) -> str:
    """Return the conversation that an envelope is about, or ""."""
    raise NotImplementedError


def read(body: Any, *, configuration: AgentChatConfiguration) -> list[News]:
    """Return what an envelope says, in order; nothing when it is of no known kind."""
    raise NotImplementedError
