"""The wire to a chat system: values in, values out, five outcomes.

Everything above asks for a chat system by the bot's choice and sees only the Protocol.
"""

from typing import Any

from handoff.chat_systems.agent_chat import AgentChat
from handoff.chat_systems.base import ChatSystem, Traits
from handoff.chat_systems.connect_support import ConnectSupport
from handoff.chat_systems.values import (
    Agent,
    Availability,
    Conversation,
    Echo,
    Entry,
    EntryState,
    InboundFile,
    InboundMessage,
    News,
    Observation,
    Opening,
    OutboundFile,
    OutboundMessage,
    Progress,
    Speaker,
    Typing,
    UploadUnclear,
    Written,
)
from handoff.models import Bot
from handoff.models.bot import ChatSystem as Choice
from servicenow_auth.client import Instance

SYSTEMS: dict[str, type[ConnectSupport | AgentChat]] = {
    Choice.CONNECT_SUPPORT: ConnectSupport,
    Choice.AGENT_CHAT: AgentChat,
}


def connect(bot: Bot, instance: Instance) -> ChatSystem:
    """Return the bot's chat system on an open instance."""
    return SYSTEMS[bot.chat_system](bot, instance)


def traits(bot: Bot) -> Traits:
    return SYSTEMS[bot.chat_system].traits


def unreadable() -> list[str]:
    """Return the choices of chat systems whose messages cannot be read again."""
    return [choice for choice, system in SYSTEMS.items() if not system.traits.can_read]


def news(bot: Bot, body: Any) -> list[News]:
    """Return what a callback says, in order; nothing when it is of no known kind."""
    return SYSTEMS[bot.chat_system].news(bot, body)


def group_of(bot: Bot, body: Any) -> str:
    """Return the conversation that a callback is about, or ""."""
    return SYSTEMS[bot.chat_system].group_of(body)


def echo_of(bot: Bot, body: Any) -> Echo:
    """Return what a callback shows of our requests."""
    return SYSTEMS[bot.chat_system].echo_of(body)


__all__ = [
    "Agent",
    "Availability",
    "ChatSystem",
    "Conversation",
    "Echo",
    "Entry",
    "EntryState",
    "InboundFile",
    "InboundMessage",
    "News",
    "Observation",
    "Opening",
    "OutboundFile",
    "OutboundMessage",
    "Progress",
    "Speaker",
    "Traits",
    "Typing",
    "UploadUnclear",
    "Written",
    "connect",
    "echo_of",
    "group_of",
    "news",
    "traits",
    "unreadable",
]
