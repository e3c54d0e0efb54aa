"""What goes to and comes from a chat system, in the product's words."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from handoff.opening import TranscriptEntry
from servicenow_auth.exceptions import NotSent

# A record's id as the platform makes it.
SYS_ID = re.compile(r"[0-9a-f]{32}")
# What is taken for one where we are told it: it fits into a column and an address.
TOLD_ID = re.compile(r"[0-9A-Za-z]{1,32}")


class EntryState(StrEnum):
    """Where ServiceNow says a handoff stands."""

    WAITING = "waiting"
    ACCEPTED = "accepted"
    # Moved to another queue; the conversation goes on there.
    ESCALATED = "escalated"
    # An agent closed it.
    CLOSED = "closed"
    # The agent has gone, and ServiceNow asks the user how it was.
    SURVEY = "survey"
    # ServiceNow closed it, since nobody wrote.
    TIMED_OUT = "timed_out"
    # After an agent had it we left, or ServiceNow timed us out as its requester.
    LEFT = "left"
    # The same before an agent had it.
    ABANDONED = "abandoned"
    # ServiceNow says that no agent is there.
    NO_AGENT = "no_agent"
    # ServiceNow gives the user back to the bot.
    TAKEN_BACK = "taken_back"
    FAULTED = "faulted"
    # ServiceNow knows nothing of it any more, or does not show it to us.
    GONE = "gone"
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True)
class Observation:
    """What ServiceNow shows of a handoff at one moment; empty means not told."""

    state: EntryState
    group_id: str
    entry_id: str = ""
    number: str = ""
    queue_id: str = ""
    agent_id: str = ""
    agent_name: str = ""
    agent_avatar_url: str = ""
    position: int | None = None
    wait_text: str = ""
    wait_seconds: int | None = None
    changed_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A conversation in a queue, and what it was opened with; by a user's sys_id."""

    seen: Observation
    opened_by: str
    text: str


class Speaker(StrEnum):
    AGENT = "agent"
    SYSTEM = "system"
    # ServiceNow's own bot, before and after the agent.
    VIRTUAL_AGENT = "virtual_agent"
    # An agent if one is there, else the virtual agent: ServiceNow does not say.
    UNSAID = "unsaid"


@dataclass(frozen=True, kw_only=True)
class InboundFile:
    """A file that ServiceNow has; `source` is its sys_id there, or its address."""

    source: str
    file_name: str


@dataclass(frozen=True, kw_only=True)
class InboundMessage:
    """A message that ServiceNow shows; `author` is a user_name, or "".

    `is_named` is False where ServiceNow told no id: `sys_id` is made from the content
    then, in 16 characters, and the same again may be a repeat or the same words said
    twice.
    """

    group_id: str
    sys_id: str
    speaker: Speaker
    text: str
    html: str = ""
    author: str = ""
    sender_name: str = ""
    sender_avatar_url: str = ""
    sent_at: datetime | None = None
    # When ServiceNow called back, which may be long before it is taken in.
    received_at: datetime | None = None
    internal: bool = False
    is_named: bool = True
    links: list[dict[str, str]] = field(default_factory=list)
    choices: list[dict[str, str]] = field(default_factory=list)
    files: list[InboundFile] = field(default_factory=list)
    # sys_ids of what was written just before it, or in its second, where that is told.
    follows: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class Written:
    """Messages of many conversations by their second; files may be left out.

    `until` says up to when it goes where there is more, None where this is all.
    """

    messages: list[InboundMessage] = field(default_factory=list)
    until: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Typing:
    """The agent's side types, or stopped."""

    group_id: str
    typing: bool


News = Observation | InboundMessage | Typing


@dataclass(frozen=True, kw_only=True)
class Echo:
    """What a callback shows of us: our last request by its name, and where it is."""

    request: str = ""
    entry_id: str = ""


@dataclass(frozen=True, kw_only=True)
class Agent:
    name: str
    avatar_url: str = ""


@dataclass(frozen=True, kw_only=True)
class Availability:
    """`state` is open, closed or unknown; `text` is the queue's own, plain."""

    state: str
    text: str = ""
    wait_seconds: int | None = None
    wait_text: str = ""


@dataclass(frozen=True, kw_only=True)
class Conversation:
    """The handoff that a call is about; `user` has id, name, email as far as told.

    `entry_id` is the record of its wait and work there, once it is known.
    """

    group_id: str
    entry_id: str = ""
    user: Mapping[str, str] = field(default_factory=dict)
    language: str = ""


def _forget(done: Mapping[str, str]) -> None:
    """Keep nothing: what a caller leaves out."""


@dataclass(frozen=True, kw_only=True)
class Progress:
    """What earlier attempts at an item got done, so that no later one repeats it.

    A fact is kept as it is noted: the process may die before the item is sent.
    """

    done: dict[str, str] = field(default_factory=dict)
    keep: Callable[[Mapping[str, str]], None] = _forget

    def note(self, name: str, value: str) -> None:
        self.done[name] = value
        self.keep(self.done)


@dataclass(frozen=True, kw_only=True)
class Opening:
    """What a conversation is opened with; `id` names the question in it."""

    id: str
    queue_id: str
    text: str
    skills: list[str] = field(default_factory=list)
    context: Mapping[str, Any] = field(default_factory=dict)
    transcript: list[TranscriptEntry] = field(default_factory=list)
    progress: Progress = field(default_factory=Progress)


@dataclass(frozen=True, kw_only=True)
class OutboundFile:
    """A file for the agent: to be read here, or fetched from `url` with `token`."""

    id: str
    file_name: str
    content_type: str
    url: str
    token: str = field(repr=False)
    read: Callable[[], bytes]


class UploadUnclear(NotSent):
    """At worst a file lies there that no message names: the message was not sent."""


@dataclass(frozen=True, kw_only=True)
class OutboundMessage:
    """One item's message: a text, or a file; `id` is ours and the same every time."""

    id: str
    text: str
    choice_value: str = ""
    file: OutboundFile | None = None
    progress: Progress = field(default_factory=Progress)
