"""Connect Support, the chat of Tokyo and lower.

`/api/now/connect/…` is the private back end of ServiceNow's own browser client; no
reference page exists, so every field is optional and every reading is accepted.
"""

import re
import time
from datetime import UTC, datetime
from typing import Any

from handoff.chat_systems import text as texts
from handoff.chat_systems.base import (
    Agent,
    Availability,
    EntryState,
    InboundMessage,
    Observation,
)
from servicenow_auth.client import Instance
from servicenow_auth.exceptions import Ambiguous, DeliveryError, Rejected

SUPPORT = "/api/now/connect/support"
CONVERSATIONS = "/api/now/connect/conversations"
PAGE = 30
MAX_PAGES = 100
# Pages that come this slowly must not hold a worker's thread for good.
READ_FOR = 45.0

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
SYS_ID = re.compile(r"[0-9A-Za-z]{1,32}")
EXISTING_RULE_KEYS = frozenset(
    {"group", "formatted_message", "sys_created_by", "last_message", "sys_id"}
)


class ConnectSupport:
    # The length of live_message.message is not documented; 4,000 is the platform's
    # default for such a column.
    text_limit = 3_900

    def __init__(self, instance: Instance) -> None:
        self.instance = instance

    def availability(self, *, queue_id: str) -> Availability:
        """Return whether the queue takes chats: it tells by `not_available` only."""
        queue = _object(self.instance.get(f"{SUPPORT}/queues/{queue_id}"))
        wait_text = _text(queue.get("average_wait_time"))
        refusal = texts.to_plain(_text(queue.get("not_available")))
        return Availability(
            state="closed" if refusal else "open",
            text=refusal,
            wait_text=wait_text,
            wait_seconds=texts.seconds(wait_text),
        )

    def start(
        self, *, queue_id: str, text: str, send_before: float | None = None
    ) -> Observation:
        answer = self.instance.post(
            f"{SUPPORT}/queues/{queue_id}/sessions",
            {"message": text},
            send_before=send_before,
        )
        observation = observe_entry(_object(answer))
        if not observation.group_id:
            raise Ambiguous("ServiceNow's answer names no conversation.")
        return observation

    def send(
        self, *, group_id: str, text: str, send_before: float | None = None
    ) -> str:
        answer = self.instance.post(
            f"{CONVERSATIONS}/{group_id}/messages",
            {"message": text, "group": group_id, "reflected_field": "comments"},
            send_before=send_before,
        )
        return _sys_id(_object(answer).get("sys_id"))

    def end(self, *, group_id: str, send_before: float | None = None) -> None:
        """Leave as the requester: state 7 after an agent accepted, 8 before."""
        path = f"{SUPPORT}/sessions/{group_id}/leave"
        self.instance.post(path, {}, send_before=send_before)

    def messages(
        self, *, group_id: str, since: datetime | None = None
    ) -> list[InboundMessage]:
        """Return messages oldest first; pages come newest first, 30 at a time."""
        found: dict[str, dict[str, Any]] = {}
        params: dict[str, str] = {}
        ends = time.monotonic() + READ_FOR
        for _ in range(MAX_PAGES):
            if time.monotonic() > ends:
                raise Ambiguous("The conversation takes too long to read.")
            path = f"{CONVERSATIONS}/{group_id}/messages"
            page = _objects(self.instance.get(path, params))
            fresh = {_text(row.get("sys_id")): row for row in page}
            stamps = [stamp for row in page if (stamp := _timestamp(row)) is not None]
            if not fresh.keys() - found.keys():
                break
            found.update(fresh)
            oldest = min(stamps, default=None)
            if len(page) < PAGE or oldest is None or _is_before(oldest, since):
                break
            # One more: others of the same millisecond may be on the next page.
            params = {"before": str(oldest + 1)}
        return [read_message(row) for row in sorted(found.values(), key=_order)]

    def observe(self, *, group_id: str) -> Observation | None:
        """Return the conversation's newest entry: an escalation leaves an old one."""
        params = {"group_id": group_id}
        try:
            entries = _objects(self.instance.get(f"{SUPPORT}/sessions", params))
        except Rejected as exc:
            if exc.status == 404 and self._is_gone(group_id):
                return Observation(state=EntryState.GONE, group_id=group_id)
            raise
        observations = [
            observe_entry(entry)
            for entry in entries
            if (_sys_id(entry.get("group")) or group_id) == group_id
        ]
        current = [o for o in observations if o.state != EntryState.ESCALATED]
        return next(iter([*current, *observations]), None)

    def _is_gone(self, group_id: str) -> bool:
        """Ask another door too: a 404 may also be an access rule's."""
        try:
            self.instance.get(f"{CONVERSATIONS}/{group_id}/messages")
        except Rejected:
            return True
        return False

    def agent(self, *, agent_id: str) -> Agent | None:
        """Return name and picture of a sys_user, as its live profile shows them."""
        try:
            answer = self.instance.get(f"/api/now/live/profiles/sys_user.{agent_id}")
        except DeliveryError:
            return None  # a name is not worth a look
        profile = _object(answer)
        name = _text(profile.get("name"))
        avatar = _text(profile.get("avatar"))
        # A bot shows it in a page: a path, or an address of the web.
        shows = ":" not in avatar or avatar.startswith(("https://", "http://"))
        return Agent(name=name, avatar_url=avatar if shows else "") if name else None


def observe_entry(entry: dict[str, Any]) -> Observation:
    """Read a queue entry, of Connect's JSON or of the rule on chat_queue_entry."""
    wait_text = _text(entry.get("average_wait_time"))
    return Observation(
        state=STATES.get(_text(entry.get("state")), EntryState.UNKNOWN),
        group_id=_sys_id(entry.get("group")),
        entry_id=_sys_id(entry.get("sys_id")),
        number=_text(entry.get("number"))[:40],
        queue_id=_sys_id(entry.get("queue")),
        agent_id=_sys_id(entry.get("assigned_to")),
        agent_name=_text(entry.get("assigned_to_name")),
        position=_number(entry.get("position")),
        wait_text=wait_text,
        wait_seconds=texts.seconds(wait_text),
    )


def read_message(row: dict[str, Any], *, group_id: str = "") -> InboundMessage:
    """Read a message of Connect's JSON, or of the rule on live_message."""
    raw = _text(row.get("formatted_message")) or _text(row.get("message"))
    decoded = texts.decode(raw)
    text = texts.render(decoded)
    return InboundMessage(
        group_id=_sys_id(row.get("group")) or group_id,
        sys_id=_sys_id(row.get("sys_id")),
        author=_text(row.get("created_by")) or _text(row.get("sys_created_by")),
        sender_name=_text(row.get("sender_name")),
        text=text,
        html=texts.to_html(text),
        links=texts.links(decoded),
        sent_at=_time(row),
        internal=_is_internal(row),
    )


def parse_callback(body: dict[str, Any]) -> InboundMessage | Observation | None:
    """Return what a callback says; None when it is of no known kind.

    Rules of ours name their `event`; those of Kore.ai's recipe are known by their keys.
    """
    event = body.get("event")
    if event == "message":
        return read_message(body)
    if event == "state":
        return observe_entry(body)
    if event is None and is_existing_rule(body):
        raw = texts.decode_existing_rule(body["formatted_message"])
        return read_message({**body, "formatted_message": raw})
    return None


def is_existing_rule(body: Any) -> bool:
    """Return whether a body is exactly what Kore.ai's recipe posts: five strings."""
    return (
        isinstance(body, dict)
        and body.keys() == EXISTING_RULE_KEYS
        and all(isinstance(value, str) for value in body.values())
    )


def _object(answer: dict[str, Any]) -> dict[str, Any]:
    result = answer.get("result")
    return result if isinstance(result, dict) else {}


def _objects(answer: dict[str, Any]) -> list[dict[str, Any]]:
    result = answer.get("result")
    if not isinstance(result, list):
        return []
    return [row for row in result if isinstance(row, dict)]


def _text(value: Any) -> str:
    """Return the string of a scalar or reference; a missing one says "undefined"."""
    if isinstance(value, dict):
        value = value.get("value")
    if not isinstance(value, str | int | float) or value in ("undefined", "null"):
        return ""
    return str(value)


def _sys_id(value: Any) -> str:
    """Return the id of a record; it goes into columns and addresses as it is."""
    text = _text(value)
    return text if SYS_ID.fullmatch(text) else ""


def _number(value: Any) -> int | None:
    text = _text(value)
    return int(text) if text.isdecimal() and len(text) < 10 else None


def _timestamp(row: dict[str, Any]) -> int | None:
    """Return epoch milliseconds, of a time before the year 2286."""
    text = _text(row.get("timestamp")).partition(".")[0]
    return int(text) if text.isdecimal() and len(text) < 14 else None


def _time(row: dict[str, Any]) -> datetime | None:
    stamp = _timestamp(row)
    if stamp is not None:
        return datetime.fromtimestamp(stamp / 1000, tz=UTC)
    created = _text(row.get("created_on")) or _text(row.get("sys_created_on"))
    try:
        return datetime.strptime(created, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    except ValueError:
        return None


def _is_before(stamp: int, since: datetime | None) -> bool:
    return since is not None and stamp < since.timestamp() * 1000


def _order(row: dict[str, Any]) -> tuple[int, int, str]:
    """Sort by time, then by the monotonic id where a release has it, then sys_id."""
    return _timestamp(row) or 0, _number(row.get("id")) or 0, _text(row.get("sys_id"))


def _is_internal(row: dict[str, Any]) -> bool:
    internal = _text(row.get("internal")).lower() in ("true", "1")
    return internal or _text(row.get("reflected_field")) == "work_notes"
