"""Queues, queue entries and messages as Connect shows them: flat, numeric states."""

import functools
from collections.abc import Iterable
from typing import Any

from handoff.sandbox.instance import store, support, switches, users
from handoff.sandbox.instance.models import Row
from handoff.sandbox.instance.support import State


def queue_json(queue: Row, *, user: Row) -> dict[str, Any]:
    group = queue.value("assignment_group")
    shown = {
        "sys_id": queue.sys_id,
        "name": queue.value("name"),
        "question": queue.value("question"),
        "average_wait_time": queue.value("average_wait_time"),
        "waiting_count": len(_waiting(queue.sys_id)),
        "escalate_to": queue.value("escalate_to"),
        "is_agent_for": users.is_member(user, group=group),
    }
    # Present only while the queue is closed: that is how a client knows.
    if not switches.read("queues_open"):
        shown["not_available"] = queue.value("not_available")
    return shown


def entry_json(entry: Row) -> dict[str, Any]:
    columns = (
        "sys_id number queue group short_description opened_by assigned_to"
        " work_start work_end sys_created_on sys_updated_on"
    )
    shown: dict[str, Any] = {name: entry.value(name) for name in columns.split()}
    shown["state"] = int(entry.value("state"))
    shown["position"] = _position(entry)
    shown["wait_time"] = ""
    shown["average_wait_time"] = store.read(entry, path="queue.average_wait_time") or ""
    for name in ("transfer_state", "transfer_to", "transfer_from"):
        if entry.value(name):
            shown[name] = entry.value(name)
    return shown


def messages_json(messages: Iterable[Row]) -> list[dict[str, Any]]:
    name = functools.cache(_profile_name)
    shown = [
        _message_json(message, sender=name(message.value("profile")))
        for message in messages
    ]
    if switches.read("connect_shows_attachments"):
        files = functools.cache(support.files)
        for message in shown:
            message["attachments"] = [
                _file_json(file)
                for file in files(message["group"]).get(message["sys_id"], [])
            ]
    return shown


def _message_json(message: Row, *, sender: str) -> dict[str, Any]:
    return {
        "sys_id": message.sys_id,
        "id": message.pk,
        "group": message.value("group"),
        "profile": message.value("profile"),
        "created_by": message.value("sys_created_by"),
        "sender_name": sender or message.value("sys_created_by"),
        "message": message.value("message"),
        "formatted_message": message.value("formatted_message"),
        "created_on": message.value("sys_created_on"),
        "timestamp": message.created_ms,
        "reflected_field": message.value("reflected_field"),
        "links": [],
        "attachments": [],
        "mentions": [],
    }


def _file_json(file: Row) -> dict[str, str]:
    names = ("sys_id", "file_name", "size_bytes", "content_type")
    return {name: file.value(name) for name in names}


def conversation_json(group: Row, *, entry: Row | None) -> dict[str, Any]:
    members = store.find("live_group_member", group=group.sys_id)
    shown: dict[str, Any] = {
        "sys_id": group.sys_id,
        "name": group.value("name"),
        "description": group.value("short_description"),
        "group": True,
        "members": [member.value("member") for member in members],
        "table": group.value("table"),
        "document": group.value("document"),
        "restricted": False,
    }
    if entry:
        shown["queueEntry"] = entry_json(entry)
    return shown


def profile_json(profile: Row) -> dict[str, Any]:
    columns = ("sys_id", "name", "type", "table", "document")
    return {name: profile.value(name) for name in columns} | {
        "avatar": profile.value("photo")
    }


def _profile_name(sys_id: str) -> str:
    profile = store.get(table="live_profile", sys_id=sys_id)
    return profile.value("name") if profile else ""


def _waiting(queue: str) -> list[Row]:
    return store.find("chat_queue_entry", queue=queue, state=State.WAITING)


def _position(entry: Row) -> int:
    """Return the place in line from 1; 0 where the chat waits no more."""
    line = [other.sys_id for other in _waiting(entry.value("queue"))]
    return line.index(entry.sys_id) + 1 if entry.sys_id in line else 0
