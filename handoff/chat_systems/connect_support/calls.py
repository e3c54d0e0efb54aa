"""Calls of Connect Support.

`/api/now/connect/…` is the private back end of ServiceNow's own browser client; no
reference page exists, so every field is optional and every reading is accepted.
"""

import time
from collections.abc import Container, Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar

from handoff.chat_systems import text as texts
from handoff.chat_systems.base import Traits
from handoff.chat_systems.connect_support import files, reading, tables
from handoff.chat_systems.values import (
    Agent,
    Availability,
    Conversation,
    Echo,
    Entry,
    EntryState,
    InboundFile,
    InboundMessage,
    News,
    Observation,
    Opening,
    OutboundMessage,
    Written,
)
from handoff.models import Bot
from handoff.models.handoff import Reason
from servicenow_auth.client import Instance
from servicenow_auth.exceptions import Ambiguous, DeliveryError, Rejected

SUPPORT = "/api/now/connect/support"
CONVERSATIONS = "/api/now/connect/conversations"
PAGE = 30
MAX_PAGES = 100
# Pages that come this slowly must not hold a worker's thread for good.
READ_FOR = 45.0


class ConnectSupport:
    traits: ClassVar = Traits(
        # The length of live_message.message is not documented; 4,000 is the platform's
        # default for such a column.
        text_limit=3_900,
        needs_queue=True,
        names_conversation=False,
        takes_transcript=False,
        waits_for_agent=False,
        can_read=True,
        tables=("chat_queue_entry", "live_message"),
        fetches_files=False,
        ends_twice=False,
        # A second leave would turn one that an agent closed into one that we left.
        end_may_repeat=False,
        has_typing=False,
        has_receipts=False,
        # A closed queue says 403, or 503 in newer clients, with a text.
        refusals={
            403: Reason.QUEUE_CLOSED,
            503: Reason.QUEUE_CLOSED,
            404: Reason.NOT_ROUTED,
        },
    )

    def __init__(self, bot: Bot, instance: Instance) -> None:
        self.bot = bot
        self.instance = instance

    @staticmethod
    def news(bot: Bot, body: Any) -> list[News]:
        return reading.news(body)

    @staticmethod
    def group_of(body: Any) -> str:
        return reading.group_of(body)

    @staticmethod
    def echo_of(body: Any) -> Echo:
        return Echo()

    def availability(self, *, queue_id: str) -> Availability:
        """Return whether the queue takes chats: it tells by `not_available` only."""
        queue = reading.object_in(self.instance.get(f"{SUPPORT}/queues/{queue_id}"))
        wait_text = reading.text_of(queue.get("average_wait_time"))
        refusal = texts.to_plain(reading.text_of(queue.get("not_available")))
        return Availability(
            state="closed" if refusal else "open",
            text=refusal,
            wait_text=wait_text,
            wait_seconds=texts.seconds(wait_text),
        )

    def start(
        self,
        conversation: Conversation,
        opening: Opening,
        *,
        send_before: float | None = None,
    ) -> Observation:
        answer = self.instance.post(
            f"{SUPPORT}/queues/{opening.queue_id}/sessions",
            {"message": opening.text},
            send_before=send_before,
        )
        observation = reading.observe_entry(reading.object_in(answer))
        if not observation.group_id:
            raise Ambiguous("ServiceNow's answer names no conversation.")
        return observation

    def send(
        self,
        conversation: Conversation,
        message: OutboundMessage,
        *,
        send_before: float | None = None,
    ) -> str:
        group_id = conversation.group_id
        body: dict[str, Any] = {
            "message": message.text,
            "group": group_id,
            "reflected_field": "comments",
        }
        if message.file is not None:
            sys_id = files.uploaded(
                self.instance,
                message.file,
                group_id=group_id,
                progress=message.progress,
                send_before=send_before,
            )
            body["attachments"] = [sys_id]
        path = f"{CONVERSATIONS}/{group_id}/messages"
        answer = self.instance.post(path, body, send_before=send_before)
        return reading.sys_id_of(reading.object_in(answer).get("sys_id"))

    def end(
        self, conversation: Conversation, *, send_before: float | None = None
    ) -> None:
        """Leave as the requester: state 7 after an agent accepted, 8 before."""
        path = f"{SUPPORT}/sessions/{conversation.group_id}/leave"
        self.instance.post(path, {}, send_before=send_before)

    def messages(
        self, conversation: Conversation, *, since: datetime | None = None
    ) -> list[InboundMessage]:
        """Return messages oldest first; pages come newest first, 30 at a time."""
        found: dict[str, dict[str, Any]] = {}
        params: dict[str, str] = {}
        ends = time.monotonic() + READ_FOR
        for _ in range(MAX_PAGES):
            if time.monotonic() > ends:
                raise Ambiguous("The conversation takes too long to read.")
            path = f"{CONVERSATIONS}/{conversation.group_id}/messages"
            page = reading.objects_in(self.instance.get(path, params))
            fresh = {reading.text_of(row.get("sys_id")): row for row in page}
            stamps = [
                stamp
                for row in page
                if (stamp := reading.timestamp_of(row)) is not None
            ]
            if not fresh.keys() - found.keys():
                break
            found.update(fresh)
            oldest = min(stamps, default=None)
            if len(page) < PAGE or oldest is None or _is_before(oldest, since):
                break
            # One more: others of the same millisecond may be on the next page.
            params = {"before": str(oldest + 1)}
        return [reading.read_message(row) for row in sorted(found.values(), key=_order)]

    def observe(self, conversation: Conversation) -> Observation | None:
        """Return the conversation's newest entry: an escalation leaves an old one."""
        group_id = conversation.group_id
        params = {"group_id": group_id}
        try:
            entries = reading.objects_in(
                self.instance.get(f"{SUPPORT}/sessions", params)
            )
        except Rejected as exc:
            if exc.status == 404 and self._is_gone(group_id):
                return Observation(state=EntryState.GONE, group_id=group_id)
            raise
        observations = [
            reading.observe_entry(entry)
            for entry in entries
            if (reading.sys_id_of(entry.get("group")) or group_id) == group_id
        ]
        current = [o for o in observations if o.state != EntryState.ESCALATED]
        return next(iter([*current, *observations]), None)

    def entries(self, *, queue_id: str) -> list[Entry]:
        answer = self.instance.get(f"{SUPPORT}/sessions", {"queue_id": queue_id})
        return [reading.read_entry(row) for row in reading.objects_in(answer)]

    def written(self, *, group_ids: Sequence[str], since: datetime) -> Written:
        return tables.written(self.instance, group_ids=group_ids, since=since)

    def standing(self, *, group_ids: Sequence[str]) -> list[Observation]:
        return tables.standing(self.instance, group_ids=group_ids)

    def line(self, *, queue_id: str) -> list[Observation]:
        """Return the open entries of a queue: only Connect's JSON has their places."""
        params = {"queue_id": queue_id, "closed": "false"}
        answer = self.instance.get(f"{SUPPORT}/sessions", params)
        return [reading.observe_entry(row) for row in reading.objects_in(answer)]

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
        profile = reading.object_in(answer)
        name = reading.text_of(profile.get("name"))
        avatar = reading.text_of(profile.get("avatar"))
        # A bot shows it in a page: a path, or an address of the web.
        shows = ":" not in avatar or avatar.startswith(("https://", "http://"))
        return Agent(name=name, avatar_url=avatar if shows else "") if name else None

    def set_typing(self, conversation: Conversation, *, typing: bool) -> None:
        """Drop it: only a browser's own channel tells an agent of typing."""

    def acknowledge(
        self, conversation: Conversation, receipts: Mapping[str, bool]
    ) -> None:
        """Drop them: an agent is shown no receipts."""

    def files_of(
        self,
        conversation: Conversation,
        message: InboundMessage,
        *,
        known: Container[str],
    ) -> list[InboundFile]:
        if not message.files:
            return []
        user_name = self.bot.connection.runtime.user_name
        return files.find(
            self.instance, conversation, message, known=known, user_name=user_name
        )

    def download(self, file: InboundFile, *, max_bytes: int) -> bytes:
        return files.download(self.instance, file, max_bytes=max_bytes)


def _is_before(stamp: int, since: datetime | None) -> bool:
    return since is not None and stamp < since.timestamp() * 1000


def _order(row: dict[str, Any]) -> tuple[int, int, str]:
    """Sort by time, then by the monotonic id where a release has it, then sys_id."""
    return (
        reading.timestamp_of(row) or 0,
        reading.number_of(row.get("id")) or 0,
        reading.text_of(row.get("sys_id")),
    )
