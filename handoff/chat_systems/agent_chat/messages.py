"""A part that says something, as a message of whoever says it."""

import hashlib
import json

from handoff.chat_systems.agent_chat.content import Content, path_in
from handoff.chat_systems.agent_chat.fields import Part, object_of, text_of
from handoff.chat_systems.values import (
    TOLD_ID,
    EntryState,
    InboundMessage,
    Observation,
    Speaker,
)

# `agentInfo.sentFromAgent` → who speaks.
_SPEAKERS = {"true": Speaker.AGENT, "false": Speaker.VIRTUAL_AGENT}


def speaker_of(part: Part) -> Speaker:
    from_agent = text_of(object_of(part, "agentInfo"), "sentFromAgent")
    return _SPEAKERS.get(from_agent.lower(), Speaker.UNSAID)


def agent_of(part: Part, *, group_id: str) -> Observation:
    """Return that the agent who says a part has the conversation."""
    agent_id = text_of(object_of(part, "agentInfo"), "agentId")
    name, avatar_url = _shown(part)
    return Observation(
        state=EntryState.ACCEPTED,
        group_id=group_id,
        agent_id=agent_id if TOLD_ID.fullmatch(agent_id) else "",
        agent_name=name,
        agent_avatar_url=avatar_url,
    )


def message_of(
    part: Part, content: Content, *, group_id: str, speaker: Speaker
) -> InboundMessage:
    name, avatar_url = _shown(part)
    return InboundMessage(
        group_id=group_id,
        sys_id=_sys_id_of(part),
        is_named=bool(text_of(part, "messageId")),
        speaker=speaker,
        sender_name=name,
        sender_avatar_url=avatar_url,
        text=content.text,
        html=content.html,
        links=content.links,
        choices=content.choices,
        files=content.files,
    )


def _shown(part: Part) -> tuple[str, str]:
    """Return the name and picture of who says a part; the picture may be a path."""
    who = object_of(part, "agentInfo")
    avatar_url = text_of(who, "agentAvatar")
    return text_of(who, "agentName"), avatar_url if path_in(avatar_url) else ""


def _sys_id_of(part: Part) -> str:
    """Return a message's id, as ServiceNow told it wherever a column holds that.

    Apps before 4.0 tell none: what was said stands for it, in half of what the column
    holds, so that the same words said again can be told apart.
    """
    name = text_of(part, "messageId")
    if TOLD_ID.fullmatch(name):
        return name
    told = name or json.dumps(part, sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()[: 32 if name else 16]
