from handoff.models.agent_chat import AgentChatConfiguration
from handoff.models.attachment import Attachment, AttachmentPiece
from handoff.models.bot import ApiKey, Bot, BotRuntime, SigningSecret
from handoff.models.callback import Callback
from handoff.models.handoff import Handoff
from handoff.models.lane import Attempt, Event, Item, Lane, Outgoing
from handoff.models.limits import Heartbeat, RateWindow
from handoff.models.message import Message

__all__ = [
    "AgentChatConfiguration",
    "ApiKey",
    "Attachment",
    "AttachmentPiece",
    "Attempt",
    "Bot",
    "BotRuntime",
    "Callback",
    "Event",
    "Handoff",
    "Heartbeat",
    "Item",
    "Lane",
    "Message",
    "Outgoing",
    "RateWindow",
    "SigningSecret",
]
