"""Files of Connect Support: rows of sys_attachment that belong to a conversation.

A client uploads a file to the conversation's record and then posts a message that
names it. Whether a message is shown with its files is not documented, so a file is
also found by what the clients write: `File: <name>`.
"""

from collections.abc import Container
from dataclasses import replace
from typing import Any

from handoff.chat_systems.connect_support import reading
from handoff.chat_systems.values import (
    Conversation,
    InboundFile,
    InboundMessage,
    OutboundFile,
    Progress,
    UploadUnclear,
)
from servicenow_auth.client import Instance
from servicenow_auth.exceptions import Ambiguous

ATTACHMENTS = "/api/now/attachment"
TABLE = "live_group_profile"
# What is noted of a message: the sys_id of its file.
UPLOADED = "uploaded"
# Of one conversation; older ones keep the text that names them.
MAX_FILES = 200


def uploaded(
    instance: Instance,
    file: OutboundFile,
    *,
    group_id: str,
    progress: Progress,
    send_before: float | None,
) -> str:
    """Attach a file to the conversation, once, and return its sys_id."""
    if UPLOADED not in progress.done:
        answer = _upload(instance, file, group_id=group_id, send_before=send_before)
        sys_id = reading.sys_id_of(reading.object_in(answer).get("sys_id"))
        if not sys_id:
            raise UploadUnclear("ServiceNow did not say what it calls the file.")
        progress.note(UPLOADED, sys_id)
    return progress.done[UPLOADED]


def _upload(
    instance: Instance, file: OutboundFile, *, group_id: str, send_before: float | None
) -> dict[str, Any]:
    params = {
        "table_name": TABLE,
        "table_sys_id": group_id,
        "file_name": file.file_name,
    }
    try:
        return instance.post_file(
            f"{ATTACHMENTS}/file",
            params,
            content=file.read(),
            content_type=file.content_type,
            send_before=send_before,
        )
    except Ambiguous as exc:
        raise UploadUnclear(exc.detail) from exc


def download(instance: Instance, file: InboundFile, *, max_bytes: int) -> bytes:
    return instance.get_file(f"{ATTACHMENTS}/{file.source}/file", max_bytes=max_bytes)


def find(
    instance: Instance,
    conversation: Conversation,
    message: InboundMessage,
    *,
    known: Container[str],
    user_name: str,
) -> list[InboundFile]:
    """Complete a message's files: names of those shown, sys_ids of those named.

    Files of `user_name`, which are our own, are not meant; nor are `known` ones.
    """
    if all(file.source and file.file_name for file in message.files):
        return message.files
    rows = [
        row
        for row in _rows(instance, conversation.group_id)
        if reading.text_of(row.get("sys_created_by")).casefold() != user_name.casefold()
    ]
    names = {_sys_id(row): _name(row) for row in rows}
    unknown = [row for row in rows if _sys_id(row) not in known]
    found = [
        replace(file, file_name=file.file_name or names.get(file.source, ""))
        if file.source
        else _named(file, unknown, message)
        for file in message.files
    ]
    return [file for file in found if file is not None]


def _rows(instance: Instance, group_id: str) -> list[dict[str, Any]]:
    """Return the conversation's files, the newest first."""
    query = f"table_name={TABLE}^table_sys_id={group_id}^ORDERBYDESCsys_created_on"
    params: dict[str, str | int] = {
        "sysparm_query": query,
        "sysparm_fields": "sys_id,file_name,sys_created_by,sys_created_on",
        "sysparm_limit": MAX_FILES,
    }
    answer = instance.get("/api/now/table/sys_attachment", params)
    return [row for row in reading.objects_in(answer) if _sys_id(row)]


def _named(
    file: InboundFile, rows: list[dict[str, Any]], message: InboundMessage
) -> InboundFile | None:
    """Return the file of that name that was uploaded last before the message was.

    Pictures from a clipboard all have the same name.
    """
    same = [row for row in rows if _name(row) == file.file_name]
    before = [row for row in same if _is_before(row, message)]
    row = next(iter(before), same[-1] if same else None)
    return None if row is None else replace(file, source=_sys_id(row))


def _is_before(row: dict[str, Any], message: InboundMessage) -> bool:
    created_at = reading.time_of(row)
    if created_at is None or message.sent_at is None:
        return True
    return created_at <= message.sent_at


def _sys_id(row: dict[str, Any]) -> str:
    return reading.sys_id_of(row.get("sys_id"))


def _name(row: dict[str, Any]) -> str:
    return reading.text_of(row.get("file_name")).strip()
