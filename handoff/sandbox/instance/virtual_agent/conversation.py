"""The rows of an Agent Chat: an interaction, its lines, where it stands."""

import json
import secrets
import time
from collections.abc import Mapping
from enum import StrEnum
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from handoff.sandbox.instance import store
from handoff.sandbox.instance.models import Row

SYSTEM = "system"
GUEST = "Guest"
ACCEPTED = "accepted"
QUEUED = "queued"


class Stage(StrEnum):
    """Whom the requester talks to: `interaction.stage`."""

    CREATED = "created"
    VIRTUAL_AGENT = "virtual_agent"
    QUEUED = "queued"
    ACTIVE = "active"
    SURVEY = "survey"
    ENDED = "ended"


class Role(StrEnum):
    """Who wrote a line: `sys_cs_message.role`."""

    REQUESTER = "requester"
    AGENT = "agent"
    SYSTEM = "system"
    VIRTUAL_AGENT = "virtual_agent"
    # Said to or by the bot before the conversation came here.
    HISTORY = "history"


@transaction.atomic
def create(*, application: Row, opened_for: Row | None, body: Mapping[str, Any]) -> Row:
    """Open an interaction for the user whom a request names."""
    number = store.select("interaction").count() + 1_000_001
    conversation = _insert("sys_cs_conversation", name=secrets.token_hex(4))
    return _insert(
        "interaction",
        number=f"IMS{number}",
        stage=Stage.CREATED,
        conversation=conversation.sys_id,
        provider_application=application.sys_id,
        opened_for=opened_for.sys_id if opened_for else "",
        opened_at=store.now_text(),
        client_session_id=str(body.get("clientSessionId", "")),
        channel_user_id=str(body.get("userId", "")),
        context="{}",
        last_request=json.dumps(body),
        failures="0",
    )


@transaction.atomic
def move(interaction: Row, **values: object) -> None:
    """Change the interaction as it is by now, whoever else has changed it."""
    interaction.refresh_from_db()
    store.update(interaction, values=values, by=SYSTEM)


@transaction.atomic
def end(interaction: Row, *, state: str, reason: str) -> None:
    leave_queue(interaction)
    move(
        interaction,
        stage=Stage.ENDED,
        state=state,
        state_reason=reason,
        closed_at=store.now_text(),
        requester_is_typing=False,
    )


def leave_queue(interaction: Row) -> None:
    """Close what is left of the agents' work on it."""
    ends = {QUEUED: "canceled", ACCEPTED: "closed_complete"}
    for item in store.find("awa_work_item", document_id=interaction.sys_id):
        state = ends.get(item.value("state"), item.value("state"))
        store.update(item, values={"state": state}, by=SYSTEM)


def add_line(
    interaction: Row,
    *,
    role: Role,
    text: str,
    author: str = "",
    attachment: Row | None = None,
) -> Row:
    return _insert(
        "sys_cs_message",
        interaction=interaction.sys_id,
        conversation=interaction.value("conversation"),
        role=role,
        author=author,
        text=text,
        attachment=attachment.sys_id if attachment else "",
    )


def lines(interaction: Row) -> QuerySet[Row]:
    """Ask for what was said, oldest first."""
    return store.select("sys_cs_message", interaction=interaction.sys_id)


def stage(interaction: Row) -> Stage:
    return Stage(interaction.value("stage"))


def requester_name(interaction: Row) -> str:
    user = store.dereference(interaction, column="opened_for")
    return store.name_of(user) if user else GUEST


def now_ms() -> int:
    return time.time_ns() // 1_000_000


def _insert(table: str, /, **values: object) -> Row:
    return store.insert(table=table, values=values, by=SYSTEM)
