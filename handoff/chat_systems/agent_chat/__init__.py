"""Agent Chat, reached through the Virtual Agent API: Utah and higher."""

from handoff.chat_systems.agent_chat.calls import AgentChat

__all__ = ["AgentChat"]
