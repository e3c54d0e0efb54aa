"""What follows in the relay when a connection changes."""

from typing import Any

from handoff import services
from servicenow_auth.models import Connection
from servicenow_auth.signals import (
    authorization_changed,
    calls_resumed,
    user_changing,
)


def connect() -> None:
    authorization_changed.connect(_follow, dispatch_uid="handoff")
    calls_resumed.connect(_go_on, dispatch_uid="handoff")
    user_changing.connect(_guard, dispatch_uid="handoff")


def _follow(*, connection: Connection, ready: bool, detail: str, **_: Any) -> None:
    if ready:
        services.resume_lanes(connection=connection)
    else:
        services.tell_authorization_required(connection=connection, reason=detail)


def _go_on(*, connection: Connection, **_: Any) -> None:
    services.resume_paused_lanes(connection=connection)


def _guard(*, connection: Connection, user_name: str, **_: Any) -> None:
    services.refuse_another_user(connection=connection, user_name=user_name)
