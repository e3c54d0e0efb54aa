"""Runs a rule's script in a JavaScript engine, against the platform's own names."""

import base64
import hashlib
import hmac
import time
from pathlib import Path
from typing import Any

import dukpy

from handoff.sandbox.instance import rest_message, store
from handoff.sandbox.instance.models import Row
from handoff.sandbox.instance.schema import TABLES
from handoff.sandbox.instance.search import search

PRELUDE = (Path(__file__).parent / "prelude.js").read_text(encoding="utf-8")
_MACS = {
    "HmacSHA1": hashlib.sha1,
    "HmacSHA256": hashlib.sha256,
    "HmacSHA512": hashlib.sha512,
}

# What the prelude may ask of Python; each is a method of Run.
_HOST = ["find", "dereference", "display", "property", "mac", "base64", "send", "log"]


class ScriptFailed(Exception):
    """The script threw, or is no JavaScript; says what the engine said."""


class Run:
    """One rule at work on one record: an interpreter of its own, used once."""

    def __init__(
        self,
        *,
        rule: Row,
        row: Row,
        previous: dict[str, str] | None,
        operation: str,
        user_name: str,
    ) -> None:
        self.rule = rule
        user = store.first("sys_user", user_name=user_name)
        self.interpreter = dukpy.JSInterpreter()
        for name in _HOST:
            self.interpreter.export_function(name, getattr(self, f"_{name}"))
        self.interpreter.export_function("now", lambda: time.time_ns() // 1_000_000)
        self.input = {
            "current": _record(row, previous=previous),
            "previous": _former(row, values=previous) if previous else None,
            "operation": operation,
            "user_name": user_name,
            "user_id": user.sys_id if user else "",
        }

    def holds(self, condition: str) -> bool:
        return bool(self._evaluate(f"Boolean({condition}\n)"))

    def execute(self) -> None:
        # The value of the last statement is nobody's business, and may be no JSON.
        self._evaluate(f"{self.rule.value('script')}\n;null")

    def _evaluate(self, code: str) -> Any:
        # In one piece: each evaluation gives the engine's own names back to a script.
        try:
            return self.interpreter.evaljs([PRELUDE, code], **self.input)
        except dukpy.JSRuntimeError as exc:
            raise ScriptFailed(str(exc)) from exc

    def _find(self, table: str, query: str, limit: int) -> list[dict[str, Any]]:
        rows = search(table=table, query=query) if table in TABLES else []
        return [_record(row) for row in rows[: limit or None]]

    def _dereference(
        self, table: str, column: str, value: str
    ) -> dict[str, Any] | None:
        there = store.referenced(table=table, column=column, value=value)
        return _record(there) if there else None

    def _display(self, table: str, column: str, value: str) -> str:
        return store.display_text(table=table, column=column, value=value)

    def _property(self, name: str) -> str:
        row = store.first("sys_properties", name=name)
        return row.value("value") if row else ""

    def _mac(self, key: str, algorithm: str, data: str) -> str:
        digest = hmac.digest(base64.b64decode(key), data.encode(), _MACS[algorithm])
        return base64.b64encode(digest).decode()

    def _base64(self, text: str) -> str:
        return base64.b64encode(text.encode()).decode()

    def _send(self, call: dict[str, Any]) -> dict[str, Any]:
        return rest_message.send(call)

    def _log(self, level: str, text: str) -> None:
        record(level=level, message=text, source=self.rule.value("name"))


def record(*, level: str, message: str, source: str) -> None:
    """Write to the system log, where an administrator looks for what went wrong."""
    values = {"level": level, "message": message, "source": source}
    store.insert(table="syslog", values=values, by=store.SYSTEM)


def _record(row: Row, *, previous: dict[str, str] | None = None) -> dict[str, Any]:
    table = TABLES[row.table]
    before = row.data if previous is None else previous
    return {
        "table": row.table,
        "display": table.display,
        "values": {column: row.value(column) for column in table.columns},
        "booleans": sorted(table.booleans),
        "changed": [
            column
            for column in table.columns
            if before.get(column, "") != row.value(column)
        ],
    }


def _former(row: Row, *, values: dict[str, str]) -> dict[str, Any]:
    former = Row(table=row.table, sys_id=row.sys_id, data=values)
    return _record(former)
