"""What requests to the Virtual Agent API consist of."""

import json
import time
from collections.abc import Mapping
from typing import Any

from django.utils.timezone import now

from handoff.chat_systems.values import Conversation, Opening, OutboundFile
from handoff.models import AgentChatConfiguration
from handoff.models.agent_chat import MessageAuth, QueueMode
from handoff.models.message import Role
from handoff.opening import SPEAKERS, TranscriptEntry

Json = dict[str, Any]


def request(
    conversation: Conversation,
    *,
    configuration: AgentChatConfiguration,
    request_id: str,
    **fields: Any,
) -> Json:
    """Return a whole body; `fields` are what sets one request apart from another."""
    group_id = conversation.group_id
    body = {
        "requestId": request_id,
        "clientSessionId": group_id,
        # ServiceNow keeps one conversation for each userId, and one user may have two
        # handoffs. An account is linked by its email.
        "userId": group_id,
        "botToBot": True,
        "clientVariables": {"handoff": group_id},
        "timestamp": int(time.time() * 1000),
    }
    email = conversation.user.get("email", "")
    if email and configuration.message_auth != MessageAuth.NONE:
        body["emailId"] = email
    if configuration.app_inbound_id:
        body["appInboundId"] = configuration.app_inbound_id
    return body | fields


def message(
    *,
    message_id: str,
    text: str = "",
    typed: bool = True,
    file: OutboundFile | None = None,
) -> Json:
    """Return the `message` of a request, which older apps want with every action."""
    body: Json = {"text": text, "typed": typed, "clientMessageId": message_id}
    if file:
        # Not even an empty one without a file: it hides the text up to app 3.14.2.
        body["attachment"] = _attachment(file)
    return body


def _attachment(file: OutboundFile) -> Json:
    return {
        "clientAttachmentId": file.id,
        "contentType": file.content_type,
        "fileName": file.file_name,
        "url": file.url,
        "headers": {"Authorization": f"Bearer {file.token}"},
    }


def opening_fields(
    conversation: Conversation,
    opening: Opening,
    *,
    configuration: AgentChatConfiguration,
) -> Json:
    """Return what the first request of a conversation has besides."""
    fields: Json = {
        "contextVariables": _context(conversation, opening, configuration=configuration)
    }
    if opening.transcript:
        name = conversation.user.get("name")
        names = SPEAKERS | ({Role.USER: name} if name else {})
        fields["history"] = _history(opening.transcript, names=names)
    return fields


def _context(
    conversation: Conversation,
    opening: Opening,
    *,
    configuration: AgentChatConfiguration,
) -> dict[str, str]:
    """Return the context variables, which are strings; ours win over the bot's."""
    by_context = configuration.queue_mode == QueueMode.CONTEXT
    ours = {
        "live_agent_only": "true",
        "interaction_client_session_id": conversation.group_id,
        "language": conversation.language,
        "mandatory_skills": ",".join(opening.skills),
        configuration.queue_variable: opening.queue_id if by_context else "",
    }
    told = {name: value for name, value in ours.items() if value}
    return _strings(opening.context) | told


def _strings(context: Mapping[str, Any]) -> dict[str, str]:
    return {
        name: value if isinstance(value, str) else json.dumps(value)
        for name, value in context.items()
    }


def _history(
    entries: list[TranscriptEntry], *, names: Mapping[Role, str]
) -> list[Json]:
    """Return the transcript; an entry of unknown time has that of the one before it.

    ServiceNow may sort by it, so nothing else keeps their order.
    """
    known = (entry.sent_at for entry in entries if entry.sent_at)
    sent_at = next(known, None) or now()
    items = []
    for entry in entries:
        sent_at = entry.sent_at or sent_at
        items.append(
            {
                "isBotMessage": entry.role != Role.USER,
                "value": entry.text,
                "displayName": names[entry.role],
                "type": "text",
                "timestamp": f"{int(sent_at.timestamp() * 1000):013d}",
            }
        )
    return items
