"""What follows in the relay when a connection gains or loses its authorization."""

from typing import Any

from handoff import services
from servicenow_auth.models import Connection
from servicenow_auth.signals import authorization_changed


def connect() -> None:
    authorization_changed.connect(_follow, dispatch_uid="handoff")


def _follow(*, connection: Connection, ready: bool, **_: Any) -> None:
    if ready:
        services.resume_lanes(connection=connection)
    else:
        services.tell_authorization_required(connection=connection)
