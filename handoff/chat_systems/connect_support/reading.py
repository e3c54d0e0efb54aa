"""What Connect's JSON and the business rules say, read as values of ours."""

import re
from datetime import UTC, datetime
from typing import Any

from handoff.chat_systems import text as texts
from handoff.chat_systems import times
from handoff.chat_systems.values import (
    TOLD_ID,
    Entry,
    EntryState,
    InboundFile,
    InboundMessage,
    News,
    Observation,
    Speaker,
)

# chat_queue_entry.state: a number in Connect's JSON, a string in the Table API.
# 7 (closed by client) may be followed by 3, when the agent closes too.
STATES = {
    "1": EntryState.WAITING,
    "2": EntryState.ACCEPTED,
    "3": EntryState.CLOSED,
    "4": EntryState.ESCALATED,
    "7": EntryState.LEFT,
    "8": EntryState.ABANDONED,
}
# What ServiceNow's clients write where a message is nothing but a file.
FILE_LABEL = re.compile(r"File: ([^\n]{1,255})")
EXISTING_RULE_KEYS = frozenset(
    {"group", "formatted_message", "sys_created_by", "last_message", "sys_id"}
)


def observe_entry(entry: dict[str, Any]) -> Observation:
    """Read a queue entry, of Connect's JSON or of the rule on chat_queue_entry."""
    wait_text = text_of(entry.get("average_wait_time"))
    return Observation(
        state=STATES.get(text_of(entry.get("state")), EntryState.UNKNOWN),
        group_id=sys_id_of(entry.get("group")),
        entry_id=sys_id_of(entry.get("sys_id")),
        number=text_of(entry.get("number"))[:40],
        queue_id=sys_id_of(entry.get("queue")),
        agent_id=sys_id_of(entry.get("assigned_to")),
        agent_name=text_of(entry.get("assigned_to_name")),
        position=number_of(entry.get("position")),
        wait_text=wait_text,
        wait_seconds=texts.seconds(wait_text),
        changed_at=times.read(text_of(entry.get("sys_updated_on"))),
    )


def read_entry(entry: dict[str, Any]) -> Entry:
    """Read a queue entry with what it was opened with."""
    return Entry(
        seen=observe_entry(entry),
        opened_by=sys_id_of(entry.get("opened_by")),
        text=text_of(entry.get("short_description")),
    )


def read_message(row: dict[str, Any], *, group_id: str = "") -> InboundMessage:
    """Read a message of Connect's JSON, or of the rule on live_message."""
    raw = text_of(row.get("formatted_message")) or text_of(row.get("message"))
    decoded = texts.decode(raw)
    text = texts.render(decoded)
    files = _files_in(row)
    if label := FILE_LABEL.fullmatch(text):
        # Shown with its file, the label says nothing; else it says where to look.
        text = "" if files else text
        files = files or [InboundFile(source="", file_name=label[1].strip())]
    before = text_of(row.get("follows")).split(",")
    author = text_of(row.get("created_by")) or text_of(row.get("sys_created_by"))
    return InboundMessage(
        group_id=sys_id_of(row.get("group")) or group_id,
        sys_id=sys_id_of(row.get("sys_id")),
        author=author,
        speaker=Speaker.SYSTEM if author == "system" else Speaker.AGENT,
        sender_name=text_of(row.get("sender_name")),
        text=text,
        html=texts.to_html(text),
        links=texts.links(decoded),
        files=files,
        sent_at=time_of(row),
        internal=_is_internal(row),
        follows=list(filter(None, map(sys_id_of, before))),
    )


def _files_in(row: dict[str, Any]) -> list[InboundFile]:
    """Return the files that a message is shown with: objects, or sys_ids alone."""
    shown = row.get("attachments")
    entries = [
        entry if isinstance(entry, dict) else {"sys_id": entry}
        for entry in (shown if isinstance(shown, list) else [])
    ]
    files = [
        InboundFile(
            source=sys_id_of(entry.get("sys_id")),
            file_name=text_of(entry.get("file_name")).strip(),
        )
        for entry in entries
    ]
    return [file for file in files if file.source]


def group_of(body: Any) -> str:
    """Return the conversation that a callback is about, or ""."""
    group = body.get("group") if isinstance(body, dict) else None
    return group[:32] if isinstance(group, str) else ""


def news(body: Any) -> list[News]:
    """Return what a callback says: one thing, or nothing where its kind is unknown.

    Rules of ours name their `event`; those of Kore.ai's recipe are known by their keys.
    """
    event = body.get("event") if isinstance(body, dict) else None
    if event == "message":
        return [read_message(body)]
    if event == "state":
        return [observe_entry(body)]
    if event is None and is_existing_rule(body):
        raw = texts.decode_existing_rule(body["formatted_message"])
        return [read_message({**body, "formatted_message": raw})]
    return []


def is_existing_rule(body: Any) -> bool:
    """Return whether a body is exactly what Kore.ai's recipe posts: five strings."""
    return (
        isinstance(body, dict)
        and body.keys() == EXISTING_RULE_KEYS
        and all(isinstance(value, str) for value in body.values())
    )


def object_in(answer: dict[str, Any]) -> dict[str, Any]:
    result = answer.get("result")
    return result if isinstance(result, dict) else {}


def objects_in(answer: dict[str, Any]) -> list[dict[str, Any]]:
    result = answer.get("result")
    if not isinstance(result, list):
        return []
    return [row for row in result if isinstance(row, dict)]


def text_of(value: Any) -> str:
    """Return the string of a scalar or reference; a missing one says "undefined"."""
    if isinstance(value, dict):
        value = value.get("value")
    if not isinstance(value, str | int | float) or value in ("undefined", "null"):
        return ""
    return str(value)


def sys_id_of(value: Any) -> str:
    """Return the id of a record; it goes into columns and addresses as it is."""
    text = text_of(value)
    return text if TOLD_ID.fullmatch(text) else ""


def number_of(value: Any) -> int | None:
    text = text_of(value)
    return int(text) if text.isdecimal() and len(text) < 10 else None


def timestamp_of(row: dict[str, Any]) -> int | None:
    """Return epoch milliseconds, of a time before the year 2286."""
    text = text_of(row.get("timestamp")).partition(".")[0]
    return int(text) if text.isdecimal() and len(text) < 14 else None


def time_of(row: dict[str, Any]) -> datetime | None:
    stamp = timestamp_of(row)
    if stamp is not None:
        return datetime.fromtimestamp(stamp / 1000, tz=UTC)
    created = text_of(row.get("created_on")) or text_of(row.get("sys_created_on"))
    return times.read(created)


def _is_internal(row: dict[str, Any]) -> bool:
    internal = text_of(row.get("internal")).lower() in ("true", "1")
    return internal or text_of(row.get("reflected_field")) == "work_notes"
