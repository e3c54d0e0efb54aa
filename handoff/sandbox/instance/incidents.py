"""Incidents: what the platform itself makes of one that is created."""

from collections.abc import Mapping

from handoff.sandbox.instance import store
from handoff.sandbox.instance.models import Row

MOST_SHOWN = 20


def completed(values: Mapping[str, object], *, by: Row) -> dict[str, object]:
    """Return an incident's values with its number, and who opened it."""
    number = store.select("incident").count() + 10_001
    return {**values, "number": f"INC{number:07}", "opened_by": by.sys_id}


def newest() -> list[Row]:
    return list(store.select("incident").order_by("-created_ms")[:MOST_SHOWN])
