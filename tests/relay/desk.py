"""What ServiceNow has of one conversation, and what its rules tell of it."""

import hashlib
import time
from dataclasses import dataclass, field
from typing import Any

from tests.relay.conftest import entry, message
from tests.relay.conftest import row as as_row

WAITING, ACCEPTED, CLOSED = 1, 2, 3
US = "chatbot.interface"
Row = dict[str, Any]


@dataclass
class Desk:
    """What ServiceNow has of the conversation."""

    rows: list[Row] = field(default_factory=list)
    state: int = WAITING
    agent: str = ""
    began: int = field(default_factory=lambda: int(time.time() - 120) * 1000)

    @property
    def entry(self) -> Row:
        return entry(self.state, assigned_to=self.agent)

    @property
    def is_open(self) -> bool:
        return self.state != CLOSED

    def write(self, *, author: str, after: int) -> Row:
        last = self.rows[-1]["timestamp"] if self.rows else self.began
        text = f"text {len(self.rows)}"
        # An id that says nothing about the order, as ServiceNow's do.
        sys_id = hashlib.sha256(text.encode()).hexdigest()[:32]
        row = message(sys_id, text, timestamp=last + after, created_by=author)
        self.rows.append(row)
        return row

    def told_of(self, row: Row) -> Row:
        """Return what the business rule sends of a message: its time in seconds."""
        sender = {"sender_name": row["sender_name"]}
        return {"event": "message", **as_row(row), **sender}

    def written_before(self, body: Row) -> str:
        """Return what the rule finds when it runs at last."""
        others = [row for row in self.rows if row["sys_id"] != body["sys_id"]]
        before = [
            row
            for row in map(as_row, others)
            if row["sys_created_on"] <= body["sys_created_on"]
            and row["sys_created_by"] != US
        ]
        newest = sorted(before, key=lambda row: row["sys_created_on"])[-10:]
        return ",".join(row["sys_id"] for row in newest)

    def told_of_entry(self) -> Row:
        shown = {name: str(value) for name, value in self.entry.items()}
        return {"event": "state", **shown}
