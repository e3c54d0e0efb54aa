"""Read and write rows the way the platform does, and tell whoever listens."""

import secrets
import time
from collections.abc import Mapping
from datetime import UTC, datetime

from django.db import transaction
from django.db.models import QuerySet
from django.dispatch import Signal
from django.utils.crypto import constant_time_compare, salted_hmac

from handoff.sandbox.instance.models import Row
from handoff.sandbox.instance.schema import LABELS, SYSTEM_COLUMNS, TABLES

# Sent in the transaction of the write, with `operation` ("insert" or "update"),
# `previous` (the values before, empty for an insert) and `by` (a user name).
row_written = Signal()
# The user name under which the platform writes by itself.
SYSTEM = "system"


class NotUnique(Exception):
    """Another row of the table has this value in the column that must be unique."""


@transaction.atomic
def insert(*, table: str, values: Mapping[str, object], by: str) -> Row:
    """Add a row; columns that the table does not have are dropped in silence."""
    sys_id = secrets.token_hex(16)
    data = dict.fromkeys(TABLES[table].columns, "") | TABLES[table].defaults
    data |= _accepted(table=table, sys_id=sys_id, values=values)
    data |= {"sys_id": sys_id, "sys_mod_count": "0"}
    data |= {"sys_created_by": by, "sys_updated_by": by}
    data |= dict.fromkeys(("sys_created_on", "sys_updated_on"), now_text())
    if table == "oauth_entity" and not data["client_id"]:
        data["client_id"] = secrets.token_hex(16)
    _check_unique(table=table, data=data)
    row = Row.objects.create(
        table=table, sys_id=sys_id, created_ms=time.time_ns() // 1_000_000, data=data
    )
    row_written.send(Row, row=row, operation="insert", previous={}, by=by)
    return row


@transaction.atomic
def update(row: Row, *, values: Mapping[str, object], by: str) -> Row:
    """Change a row; nothing happens where no value differs."""
    previous = dict(row.data)
    data = previous | _accepted(table=row.table, sys_id=row.sys_id, values=values)
    if data == previous:
        return row
    _check_unique(table=row.table, data=data)
    row.data = data | {
        "sys_mod_count": str(int(previous["sys_mod_count"]) + 1),
        "sys_updated_by": by,
        "sys_updated_on": now_text(),
    }
    row.save(update_fields=["data"])
    row_written.send(Row, row=row, operation="update", previous=previous, by=by)
    return row


def get(*, table: str, sys_id: str) -> Row | None:
    if not sys_id:
        return None
    return Row.objects.filter(table=table, sys_id=sys_id).first()


def select(table: str, /, **equals: str) -> QuerySet[Row]:
    """Ask for the rows whose columns have these values, oldest first."""
    conditions = {f"data__{column}": value for column, value in equals.items()}
    return Row.objects.filter(table=table, **conditions)


def select_among(table: str, /, **values: list[str]) -> QuerySet[Row]:
    """Ask for the rows whose columns have one of these values, oldest first."""
    conditions = {f"data__{column}__in": some for column, some in values.items()}
    return Row.objects.filter(table=table, **conditions)


def find(table: str, /, **equals: str) -> list[Row]:
    return list(select(table, **equals))


def first(table: str, /, **equals: str) -> Row | None:
    return select(table, **equals).first()


def dereference(row: Row, *, column: str) -> Row | None:
    """Return the row that a reference column points to."""
    return referenced(table=row.table, column=column, value=row.value(column))


def referenced(*, table: str, column: str, value: str) -> Row | None:
    target = TABLES[table].references.get(column)
    return get(table=target, sys_id=value) if target else None


def read(row: Row, *, path: str) -> str | None:
    """Return a value, also through one reference; None where no such column is."""
    column, _, rest = path.partition(".")
    if not rest:
        return row.value(column) if column in TABLES[row.table].columns else None
    target = TABLES[row.table].references.get(column)
    if target is None or rest not in TABLES[target].columns:
        return None
    there = dereference(row, column=column)
    return there.value(rest) if there else ""


def display_value(row: Row, *, column: str) -> str:
    """Return what a person sees: a label, or the name of the referenced record."""
    return display_text(table=row.table, column=column, value=row.value(column))


def display_text(*, table: str, column: str, value: str) -> str:
    there = referenced(table=table, column=column, value=value)
    return (
        name_of(there) if there else LABELS.get((table, column), {}).get(value, value)
    )


def name_of(row: Row) -> str:
    return row.value(TABLES[row.table].display) or row.value("user_name")


def is_secret(row: Row, *, column: str) -> bool:
    if row.table == "sys_properties" and column == "value":
        return row.value("type") == "password2"
    table = TABLES[row.table]
    return column in table.secrets | table.sealed


def secret_matches(row: Row, *, column: str, candidate: str) -> bool:
    stored = row.value(column)
    return bool(stored) and constant_time_compare(
        stored, _digest(sys_id=row.sys_id, value=candidate)
    )


def now_text() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%d %H:%M:%S")


def _accepted(
    *, table: str, sys_id: str, values: Mapping[str, object]
) -> dict[str, str]:
    known = {
        column: _as_text(value)
        for column, value in values.items()
        if column in TABLES[table].columns and column not in SYSTEM_COLUMNS
    }
    secret = {
        column: _digest(sys_id=sys_id, value=value)
        for column, value in known.items()
        if column in TABLES[table].secrets and value
    }
    return known | secret


def _as_text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def _digest(*, sys_id: str, value: str) -> str:
    return salted_hmac(sys_id, value, algorithm="sha256").hexdigest()


def _check_unique(*, table: str, data: Mapping[str, str]) -> None:
    column = TABLES[table].unique
    if not column:
        return
    for other in find(table, **{column: data[column]}):
        if other.sys_id != data["sys_id"]:
            raise NotUnique(f"Error during insert of {table} ({data[column]})")
