"""A request as the app reads it, once it has been acknowledged."""

import json
from dataclasses import dataclass, field
from typing import Any

from handoff.sandbox.instance import store
from handoff.sandbox.instance.models import BotRequest, Row


class Dropped(Exception):
    """Nothing comes of the request, and the caller is not told; the log says why."""


@dataclass(frozen=True, kw_only=True)
class File:
    name: str
    content_type: str
    content: bytes


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A request that may be handled: whom it came from, what it says."""

    body: dict[str, Any]
    application: Row
    requester: Row | None
    files: list[File] = field(default_factory=list)

    @property
    def user_id(self) -> str:
        return text_of(self.body, "userId")

    @property
    def session_id(self) -> str:
        return text_of(self.body, "clientSessionId")

    @property
    def message(self) -> dict[str, Any]:
        return object_of(self.body, "message")

    @property
    def text(self) -> str:
        return text_of(self.message, "text")

    @property
    def context(self) -> dict[str, str]:
        """Return the context variables, whose names are stored in lower case."""
        variables = object_of(self.body, "contextVariables")
        return {name.lower(): _as_text(value) for name, value in variables.items()}

    @property
    def history(self) -> list[dict[str, Any]]:
        return objects_of(self.body, "history")


def body_of(received: BotRequest) -> dict[str, Any]:
    """Return the JSON object that was sent, which the door has looked at."""
    body: dict[str, Any] = json.loads(bytes(received.raw))
    return body


def check(body: dict[str, Any]) -> None:
    if not text_of(body, "userId"):
        raise Dropped("Mandatory field userId is missing")


def action_of(body: dict[str, Any]) -> str:
    return text_of(body, "action")


def application_of(body: dict[str, Any]) -> Row:
    """Return the provider application that the Inbound Id names, else the app's own."""
    inbound_id = text_of(body, "appInboundId")
    found = store.first("sys_cs_provider_application", inbound_id=inbound_id)
    if found is None:
        raise Dropped(f"No provider application with inbound id {inbound_id!r}")
    return found


def text_of(values: dict[str, Any], name: str) -> str:
    value = values.get(name)
    return value if isinstance(value, str) else ""


def object_of(values: dict[str, Any], name: str) -> dict[str, Any]:
    value = values.get(name)
    return value if isinstance(value, dict) else {}


def objects_of(values: dict[str, Any], name: str) -> list[dict[str, Any]]:
    """Return a list of objects, also where one object stands alone."""
    value = values.get(name)
    items = value if isinstance(value, list) else [value]
    return [item for item in items if isinstance(item, dict)]


def _as_text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)
