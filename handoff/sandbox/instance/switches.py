"""Behaviour that differs between instances, or that nobody outside can know."""

from typing import Any

from handoff.sandbox.instance.models import Switch

DEFAULTS: dict[str, Any] = {
    "queues_open": True,
    "rotate_refresh_tokens": False,
    # What a redirect_uri that is not registered leads to: error_page or first_url.
    "unregistered_redirect": "error_page",
}


def read(name: str) -> Any:
    switch = Switch.objects.filter(name=name).first()
    return switch.value if switch else DEFAULTS[name]


def read_all() -> dict[str, Any]:
    return {name: read(name) for name in DEFAULTS}


def move(*, name: str, value: Any) -> None:
    Switch.objects.update_or_create(name=name, defaults={"value": value})
