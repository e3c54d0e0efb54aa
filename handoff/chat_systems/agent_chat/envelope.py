"""What all parts of one envelope share, and how an envelope can tell the end."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from handoff.chat_systems import text as texts
from handoff.chat_systems.agent_chat.fields import (
    Part,
    is_true,
    object_of,
    objects_of,
    plain,
    text_of,
)
from handoff.chat_systems.values import SYS_ID, Echo, EntryState, News, Observation

# How we name conversations: a handoff's id in hexadecimal.
_OUR_NAME = re.compile(r"[0-9a-f]{32}")
_ZERO = re.compile(r"-?0+(\.0*)?")


class End(Enum):
    """How an envelope can tell the end, the most telling first: one is stated."""

    NO_AGENT = "a phrase that no agent is there"
    TIMED_OUT = "a phrase that nobody wrote for too long"
    COMPLETED = "completed: true"
    SWITCHED = "SwitchToVirtualAgent"
    FAULTED = "takeControl: true, with nothing said and a score of 0"
    TAKEN_BACK = "takeControl: true"
    CLOSED = "a phrase that the agent closed it"


Step = News | End


@dataclass(frozen=True, kw_only=True)
class Envelope:
    group_id: str
    parts: list[Part]
    # An agent has the conversation or is looked for.
    agent_chat: bool
    completed: bool
    take_control: bool
    scores_zero: bool
    # What a text means → what such texts contain.
    phrases: Mapping[str, list[str]]

    def seen(self, state: EntryState, *, wait_text: str = "") -> Observation:
        return Observation(
            state=state,
            group_id=self.group_id,
            wait_text=wait_text,
            wait_seconds=texts.seconds(wait_text),
        )

    def means(self, meaning: str, text: str) -> bool:
        said = text.casefold()
        phrases = self.phrases.get(meaning, [])
        return any(phrase.casefold() in said for phrase in phrases if phrase)


def open_envelope(body: Any, *, phrases: Mapping[str, list[str]]) -> Envelope:
    fields = _fields_of(body)
    return Envelope(
        group_id=group_of(body),
        parts=objects_of(fields, "body"),
        agent_chat=is_true(fields, "agentChat"),
        completed=is_true(fields, "completed"),
        take_control=is_true(fields, "takeControl"),
        scores_zero=bool(_ZERO.fullmatch(text_of(fields, "score"))),
        phrases=phrases,
    )


def group_of(body: Any) -> str:
    """Return the conversation that an envelope is about, or ""."""
    fields = _fields_of(body)
    names = (
        fields.get("clientSessionId"),
        object_of(fields, "clientVariables").get("handoff"),
        fields.get("userId"),
    )
    told = (plain(name) for name in names)
    return next((name for name in told if _OUR_NAME.fullmatch(name)), "")


def echo_of(body: Any) -> Echo:
    """Return the last request that ServiceNow had, and the interaction's sys_id."""
    fields = _fields_of(body)
    message_id = text_of(object_of(fields, "message"), "clientMessageId")
    interaction = text_of(fields, "interactionId")
    return Echo(
        request=text_of(fields, "requestId") or message_id,
        entry_id=interaction if SYS_ID.fullmatch(interaction) else "",
    )


def _fields_of(body: Any) -> Part:
    """Return an envelope's fields; an answer to a call may wrap them in `result`."""
    fields = body if isinstance(body, dict) else {}
    return object_of(fields, "result") or fields
