"""The token endpoint of the fenced tests, and the row in which tokens are held."""

from datetime import timedelta
from typing import Any

import responses
from django.utils import timezone

from servicenow_auth.fields import Secret
from servicenow_auth.models import Connection, ConnectionRuntime, State
from tests.servicenow_auth.conftest import HOST

TOKEN_URL = f"{HOST}/oauth_token.do"
REFUSED = {"error_description": "access_denied", "error": "server_error"}


def runtime() -> ConnectionRuntime:
    return ConnectionRuntime.objects.get()


def hold(connection: Connection, *, left: float, life: float = 1800) -> None:
    """Let the connection hold a token with so many seconds left."""
    row = connection.runtime
    row.refresh_from_db()
    row.access_token = Secret("held")
    row.access_expires_at = timezone.now() + timedelta(seconds=left)
    row.access_issued_at = row.access_expires_at - timedelta(seconds=life)
    row.state = State.READY
    row.save()


def give(http: responses.RequestsMock, access: str, **more: Any) -> Any:
    return http.post(
        TOKEN_URL, json={"access_token": access, "expires_in": 1800, **more}
    )


def refuse(http: responses.RequestsMock) -> Any:
    return http.post(TOKEN_URL, json=REFUSED, status=401)
