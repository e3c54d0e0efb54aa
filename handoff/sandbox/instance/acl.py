"""Who may read what over the Table API: administrators all, others a little."""

import functools
from collections.abc import Callable

from handoff.sandbox.instance import store, switches, users
from handoff.sandbox.instance.models import Row

_EVERYBODY = frozenset({"sys_user", "sys_user_group", "chat_queue", "live_profile"})
_TAKING_PART = frozenset(
    {
        "chat_queue_entry",
        "live_group_profile",
        "live_group_member",
        "live_message",
        "sys_attachment",
    }
)
_CHATS = frozenset({"chat_queue_entry", "live_message"})
# With a role of the virtual agent's.
_AGENT_CHAT = frozenset({"interaction", "sys_cs_message"})


def may_read_table(user: Row, *, table: str) -> bool:
    if users.is_admin(user):
        return True
    if table in _CHATS and switches.read("chat_tables") == "forbidden":
        return False
    by_role = table in _AGENT_CHAT and switches.read("va_records_readable")
    return by_role or table in _EVERYBODY | _TAKING_PART | {"incident"}


def may_create(user: Row, *, table: str) -> bool:
    by_role = table == "incident" and switches.read("creates_incidents")
    return by_role or users.is_admin(user)


def readable(rows: list[Row], *, user: Row) -> list[Row]:
    """Leave out, without a word, what the user may not see."""
    if users.is_admin(user):
        return rows
    if switches.read("chat_tables") == "hidden":
        rows = [row for row in rows if row.table not in _CHATS]
    is_ours = functools.cache(functools.partial(_takes_part, user))
    return [row for row in rows if _may_read(user, row=row, is_ours=is_ours)]


def takes_part(user: Row, *, group: str) -> bool:
    """Tell whether the user is a member of the conversation, past or present."""
    profile = store.first("live_profile", table="sys_user", document=user.sys_id)
    return bool(
        profile
        and group
        and store.find("live_group_member", group=group, member=profile.sys_id)
    )


def works_on(user: Row, *, entry: Row) -> bool:
    """Tell whether the chat is, or may become, this agent's."""
    group = store.read(entry, path="queue.assignment_group") or ""
    return bool(group) and users.is_member(user, group=group)


def may_share_files(user: Row, *, table: str, record: str) -> bool:
    """Tell whether the files of a record are the user's business."""
    return table == "live_group_profile" and takes_part(user, group=record)


def may_see_entry(user: Row, *, entry: Row) -> bool:
    mine = user.sys_id in {entry.value("opened_by"), entry.value("assigned_to")}
    return mine or works_on(user, entry=entry)


def _takes_part(user: Row, group: str) -> bool:
    return takes_part(user, group=group)


def _may_read(user: Row, *, row: Row, is_ours: Callable[[str], bool]) -> bool:
    if row.table in _EVERYBODY | _AGENT_CHAT:
        return True
    if row.table == "incident":
        return user.sys_id == row.value("opened_by")
    if row.table == "chat_queue_entry":
        return may_see_entry(user, entry=row)
    if row.table == "sys_attachment":
        place = row.value("table_name"), row.value("table_sys_id")
        return may_share_files(user, table=place[0], record=place[1])
    group = row.sys_id if row.table == "live_group_profile" else row.value("group")
    return is_ours(group)
