"""What ServiceNow keeps of a chat: its interaction, and what we wrote in it.

The Table API shows it to whom the instance lets read it. It leaves out rows in silence
and ignores what it does not understand of a query, so each row is looked at again.
"""

import json

from handoff.chat_systems import times
from handoff.chat_systems.agent_chat.fields import (
    Part,
    object_of,
    objects_of,
    text_of,
)
from handoff.chat_systems.values import (
    SYS_ID,
    Conversation,
    EntryState,
    InboundMessage,
    Observation,
    Speaker,
)
from servicenow_auth.client import Instance

INTERACTION = "/api/now/table/interaction"
MESSAGES = "/api/now/table/sys_cs_message"
LIMIT = 1_000
ENDS = {
    "closed_complete": EntryState.CLOSED,
    "closed_abandoned": EntryState.ABANDONED,
    "faulted": EntryState.FAULTED,
}
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
            sent_at=times.read(text_of(row, "sys_created_on")),
        )
        for row, text in said
    ]


def observe(instance: Instance, conversation: Conversation) -> Observation | None:
    """Return the end of a chat, if its interaction shows one."""
    if not conversation.entry_id:
        return None
    interaction = _interaction(instance, conversation, field="state")
    state = ENDS.get(text_of(interaction, "state"))
    if state is None:
        return None
    return Observation(state=state, group_id=conversation.group_id)


def _interaction(instance: Instance, conversation: Conversation, *, field: str) -> Part:
    path = f"{INTERACTION}/{conversation.entry_id}"
    return object_of(instance.get(path, {"sysparm_fields": field, **PLAIN}), "result")


def _rows(instance: Instance, conversation: Conversation) -> list[Part]:
    document = "channel_metadata_document"
    interaction = _interaction(instance, conversation, field=document)
    name = text_of(interaction, document)
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
