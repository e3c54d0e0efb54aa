"""The rows of an Agent Chat: an interaction, its lines, where it stands."""

import json
import secrets
import time
from enum import StrEnum

from django.db import transaction
from django.db.models import QuerySet

from handoff.sandbox.instance import store, switches
from handoff.sandbox.instance.models import Row
from handoff.sandbox.instance.virtual_agent.request import Asked, action_of

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


def find_open(asked: Asked) -> Row | None:
    """Return the conversation that a request is about: a user has one at a time."""
    by_user = switches.read("va_conversations_by") == "user"
    name = (
        {"channel_user_id": asked.user_id}
        if by_user
        else {"client_session_id": asked.session_id}
    )
    application = asked.application.sys_id
    found = store.select("interaction", provider_application=application, **name)
    return found.exclude(data__stage=Stage.ENDED).last()


@transaction.atomic
def create(asked: Asked) -> Row:
    """Open an interaction for the user whom a request names."""
    number = store.select("interaction").count() + 1_000_001
    conversation = _insert("sys_cs_conversation", name=secrets.token_hex(4))
    return _insert(
        "interaction",
        number=f"IMS{number}",
        stage=Stage.CREATED,
        conversation=conversation.sys_id,
        channel_metadata_table="sys_cs_conversation",
        channel_metadata_document=conversation.sys_id,
        provider_application=asked.application.sys_id,
        opened_for=asked.requester.sys_id if asked.requester else "",
        opened_at=store.now_text(),
        client_session_id=asked.session_id,
        channel_user_id=asked.user_id,
        context="{}",
        last_request="{}",
        failures="0",
    )


def is_repeat(interaction: Row, *, asked: Asked) -> bool:
    """Tell whether the last request has come again; one without an id is new."""
    last = json.loads(interaction.value("last_request"))
    same_id = last.get("requestId") == asked.body.get("requestId")
    same_action = action_of(last) == action_of(asked.body)
    return bool(last.get("requestId")) and same_id and same_action


def remember(interaction: Row, *, asked: Asked) -> None:
    """Keep what posts echo, and the context variables on top of those before."""
    known = context(interaction) | asked.context
    move(interaction, context=json.dumps(known), last_request=json.dumps(asked.body))


def context(interaction: Row) -> dict[str, str]:
    variables: dict[str, str] = json.loads(interaction.value("context"))
    return variables


@transaction.atomic
def move(interaction: Row, **values: object) -> None:
    """Change the interaction as it is by now, whoever else has changed it."""
    interaction.refresh_from_db()
    store.update(interaction, values=values, by=store.SYSTEM)


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
        store.update(item, values={"state": state}, by=store.SYSTEM)


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
        direction="inbound" if role == Role.REQUESTER else "outbound",
        payload=text,
        role=role,
        author=author,
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
    return store.insert(table=table, values=values, by=store.SYSTEM)
