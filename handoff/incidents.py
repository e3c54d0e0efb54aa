"""Incidents, by ServiceNow's Table API: values in, values out."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from servicenow_auth.client import Instance
from servicenow_auth.exceptions import Ambiguous

TABLE = "/api/now/table/incident"
FIELDS = {"sysparm_fields": "sys_id,number,correlation_id"}
# Characters that the columns hold.
LONGEST_SUMMARY = 160
LONGEST_DESCRIPTION = 4_000


@dataclass(frozen=True, kw_only=True)
class Incident:
    """What is to be created; `correlation_id` is our own name for it."""

    correlation_id: str
    summary: str
    description: str
    assignment_group: str


@dataclass(frozen=True, kw_only=True)
class Created:
    sys_id: str
    number: str
    correlation_id: str


def create(instance: Instance, incident: Incident, *, send_before: float) -> Created:
    body = {
        "correlation_id": incident.correlation_id,
        "correlation_display": "Handoff",
        "short_description": incident.summary,
        "description": incident.description,
    }
    if incident.assignment_group:
        body["assignment_group"] = incident.assignment_group
    answer = instance.post(
        f"{TABLE}?{urlencode(FIELDS)}", body, send_before=send_before
    )
    created = _read(answer.get("result"))
    if not created.sys_id:
        raise Ambiguous("ServiceNow's answer names no incident.")
    return created


def find(
    instance: Instance, *, correlation_id: str, others: Iterable[str]
) -> list[Created]:
    """Return what is shown of an incident and of `others`, by sys_id; oldest first."""
    query = f"correlation_id={correlation_id}"
    if listed := ",".join(others):
        query += f"^ORsys_idIN{listed}"
    answer = instance.get(
        TABLE, {**FIELDS, "sysparm_query": f"{query}^ORDERBYsys_created_on"}
    )
    shown = answer.get("result")
    return [_read(row) for row in shown] if isinstance(shown, list) else []


def address(host_url: str, sys_id: str) -> str:
    """Return where a person opens an incident."""
    return f"{host_url}/incident.do?{urlencode({'sys_id': sys_id})}"


def _read(row: Any) -> Created:
    row = row if isinstance(row, dict) else {}
    texts = {name: row.get(name) for name in ("sys_id", "number", "correlation_id")}
    return Created(
        **{name: text if isinstance(text, str) else "" for name, text in texts.items()}
    )
