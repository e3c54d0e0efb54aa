"""Connect Support, the chat of Tokyo and lower."""

from handoff.chat_systems.connect_support.calls import ConnectSupport
from handoff.chat_systems.connect_support.reading import is_existing_rule

__all__ = ["ConnectSupport", "is_existing_rule"]
