"""What the conversation server keeps of what we wrote: `sys_cs_message`.

The Table API shows it to whom the instance lets read it. It leaves out rows in silence
and ignores what it does not understand of a query, so each row is looked at again.
"""

import json
from datetime import UTC, datetime

from handoff.chat_systems.agent_chat.fields import (
    SYS_ID,
    Part,
    object_of,
    objects_of,
    text_of,
)
from handoff.chat_systems.values import Conversation, InboundMessage, Speaker
from servicenow_auth.client import Instance

INTERACTION = "/api/now/table/interaction"
MESSAGES = "/api/now/table/sys_cs_message"
LIMIT = 1_000
# References as sys_ids alone.
PLAIN = {"sysparm_exclude_reference_link": "true"}


def texts(
    instance: Instance, conversation: Conversation, *, author: str
) -> list[InboundMessage]:
    """Return all that we wrote, oldest first; nothing where some of it can't be told.

    Of what stands there twice, and is shown once, another one would be taken for it.
    """
    rows = _rows(instance, conversation) if conversation.entry_id else []
    said = [(row, _said(row)) for row in rows]
    if len(rows) >= LIMIT or not all(text for _, text in said):
        return []
    return [
        InboundMessage(
            group_id=conversation.group_id,
            sys_id=text_of(row, "sys_id"),
            speaker=Speaker.UNSAID,
            text=text,
            author=author,
            sent_at=_time(text_of(row, "sys_created_on")),
        )
        for row, text in said
    ]


def _rows(instance: Instance, conversation: Conversation) -> list[Part]:
    path = f"{INTERACTION}/{conversation.entry_id}"
    document = "channel_metadata_document"
    found = instance.get(path, {"sysparm_fields": document, **PLAIN})
    name = text_of(object_of(found, "result"), document)
    if not SYS_ID.fullmatch(name):
        return []
    params = {
        "sysparm_query": f"conversation={name}^direction=inbound^ORDERBYsys_created_on",
        "sysparm_fields": "sys_id,conversation,direction,payload,sys_created_on",
        "sysparm_limit": str(LIMIT),
        **PLAIN,
    }
    return [
        row
        for row in objects_of(instance.get(MESSAGES, params), "result")
        if text_of(row, "conversation") == name
        and text_of(row, "direction").lower() == "inbound"
    ]


def _said(row: Part) -> str:
    """Return a row's text, which may stand in JSON."""
    payload = text_of(row, "payload")
    try:
        document = json.loads(payload)
    except (ValueError, RecursionError):
        return payload
    told = text_of(document, "value", "text") if isinstance(document, dict) else ""
    return told or payload


def _time(text: str) -> datetime | None:
    """Return a time of the Table API, which is in UTC."""
    try:
        return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    except ValueError:
        return None
