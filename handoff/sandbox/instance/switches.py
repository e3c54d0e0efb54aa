"""Where the switches stand."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from handoff.sandbox.instance.models import Switch
from handoff.sandbox.instance.switchboard import ALL


class NoSuchSwitch(Exception):
    """There is no switch of this name, or it has no such position; says which."""


def read(name: str) -> Any:
    switch = Switch.objects.filter(name=name).first()
    return switch.value if switch else ALL[name].default


def read_all() -> dict[str, Any]:
    moved = Switch.objects.filter(name__in=ALL).values_list("name", "value")
    return {name: definition.default for name, definition in ALL.items()} | dict(moved)


@transaction.atomic
def move(wanted: Mapping[str, object]) -> None:
    """Move the switches that are named: all of them, or none."""
    for name, value in wanted.items():
        if name not in ALL or not ALL[name].accepts(value):
            raise NoSuchSwitch(f"no such switch, or no such value: {name}")
    for name, value in wanted.items():
        Switch.objects.update_or_create(name=name, defaults={"value": value})


def reset() -> None:
    """Put every switch back to its default."""
    Switch.objects.all().delete()
