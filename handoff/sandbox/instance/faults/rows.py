"""What a read leaves out while a fault hides rows: as an ACL does, without a word."""

from collections.abc import Iterable

from django.http import HttpRequest

from handoff.sandbox.instance.faults.api_calls import FAULT
from handoff.sandbox.instance.models import Row


def visible(rows: Iterable[Row], *, request: HttpRequest, user: Row) -> list[Row]:
    fault = request.META.get(FAULT, "")
    return [row for row in rows if not _is_hidden(row, fault=fault, user=user)]


def _is_hidden(row: Row, *, fault: str, user: Row) -> bool:
    if fault == "fault_hidden_all":
        return True
    if row.table not in ("live_message", "sys_cs_message"):
        return False
    by_user = row.value("sys_created_by") == user.value("user_name")
    is_own = by_user or row.value("direction") == "inbound"
    return fault == ("fault_hidden_own" if is_own else "fault_hidden_others")
