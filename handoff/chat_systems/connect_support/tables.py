"""Reads of many conversations at once, by the Table API.

A list is cut to its limit before access rules leave rows out of it, so a short page
need not be the last one: the count of all rows tells.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from handoff.chat_systems import times
from handoff.chat_systems.connect_support import reading
from handoff.chat_systems.values import EntryState, Observation, Written
from servicenow_auth.answers import total_count
from servicenow_auth.client import Instance

TABLES = "/api/now/table"
ROWS = 100
# Rows of one second have no order: without the second term pages could overlap.
ORDER = "^ORDERBYsys_created_on^ORDERBYsys_id"
MAX_PAGES = 10
MESSAGE_FIELDS = (
    "sys_id,group,message,formatted_message,internal,reflected_field,"
    "sys_created_by,sys_created_on,profile.name"
)
ENTRY_FIELDS = (
    "sys_id,group,number,queue,state,assigned_to,assigned_to.name,sys_updated_on"
)
Row = dict[str, Any]


def written(
    instance: Instance, *, group_ids: Sequence[str], since: datetime
) -> Written:
    query = f"groupIN{','.join(group_ids)}^sys_created_on>={times.write(since)}"
    rows, is_all = _rows(instance, "live_message", query=query, fields=MESSAGE_FIELDS)
    messages = [
        reading.read_message({**row, "sender_name": row.get("profile.name")})
        for row in _of(rows, group_ids)
    ]
    until = None if is_all else reading.time_of(rows[-1])
    return Written(messages=messages, until=until)


def standing(instance: Instance, *, group_ids: Sequence[str]) -> list[Observation]:
    """Return the newest entry of each: an escalation leaves an old one."""
    query = f"groupIN{','.join(group_ids)}"
    rows, _ = _rows(instance, "chat_queue_entry", query=query, fields=ENTRY_FIELDS)
    newest: dict[str, Observation] = {}
    for row in _of(rows, group_ids):
        named = {**row, "assigned_to_name": row.get("assigned_to.name")}
        seen = reading.observe_entry(named)
        if seen.state != EntryState.ESCALATED or seen.group_id not in newest:
            newest[seen.group_id] = seen
    return list(newest.values())


def _rows(
    instance: Instance, table: str, *, query: str, fields: str
) -> tuple[list[Row], bool]:
    """Return the rows, the oldest first, and whether these are all."""
    rows: list[Row] = []
    for page in range(MAX_PAGES):
        params: Mapping[str, str | int] = {
            "sysparm_query": query + ORDER,
            "sysparm_fields": fields,
            "sysparm_exclude_reference_link": "true",
            "sysparm_limit": ROWS,
            "sysparm_offset": page * ROWS,
        }
        shown = reading.objects_in(instance.get(f"{TABLES}/{table}", params))
        rows += shown
        # Where no count is told, only a full page leaves anything to be asked.
        total = total_count(instance.headers)
        if (page + 1) * ROWS >= total if total is not None else len(shown) < ROWS:
            return rows, True
    return rows, not rows


def _of(rows: list[Row], group_ids: Sequence[str]) -> list[Row]:
    """Keep what was asked for: a term that makes no sense there is ignored there."""
    asked = set(group_ids)
    return [row for row in rows if reading.sys_id_of(row.get("group")) in asked]
