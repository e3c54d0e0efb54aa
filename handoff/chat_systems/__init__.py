"""The wire to a chat system: values in, values out, five outcomes.

Everything above asks for a chat system by the bot's choice and sees only the Protocol.
"""

from handoff.chat_systems.base import (
    Agent,
    Availability,
    ChatSystem,
    EntryState,
    InboundMessage,
    Observation,
)
from handoff.chat_systems.connect_support import ConnectSupport, parse_callback
from handoff.models.bot import ChatSystem as Choice
from servicenow_auth.client import Instance

SYSTEMS: dict[str, type[ConnectSupport]] = {Choice.CONNECT_SUPPORT: ConnectSupport}


def connect(choice: str, instance: Instance) -> ChatSystem:
    """Return the bot's chat system on an open instance."""
    return SYSTEMS[choice](instance)


def text_limit(choice: str) -> int:
    """Return how many characters one message of a chat system may have."""
    return SYSTEMS[choice].text_limit


__all__ = [
    "Agent",
    "Availability",
    "ChatSystem",
    "EntryState",
    "InboundMessage",
    "Observation",
    "connect",
    "parse_callback",
    "text_limit",
]
