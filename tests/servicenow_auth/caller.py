"""What other processes do in test_single_flight; they print what is returned."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from django.db import connection as database
from django.db.models.functions import Now
from django.utils import timezone

from servicenow_auth import services
from servicenow_auth.client import Instance
from servicenow_auth.fields import Secret
from servicenow_auth.models import Connection, ConnectionRuntime


def prepare(host_url: str, *, left: float) -> str:
    """Make a connection that holds the token `old` for so many seconds; its id."""
    connection = services.create_connection(owner_group=None)
    services.configure(
        connection,
        host_url=host_url,
        authorization_type="oauth",
        user_name="",
        client_id="client",
        client_secret="secret",
        refresh_token="refresh",
    )
    runtime = ConnectionRuntime.objects.get(connection=connection)
    runtime.access_token = Secret("old")
    runtime.access_expires_at = timezone.now() + timedelta(seconds=left)
    runtime.access_issued_at = runtime.access_expires_at - timedelta(seconds=1800)
    runtime.save()
    return str(connection.pk)


def call(pk: str, *, threads: int) -> int:
    """Call from so many threads at once; how many of the calls succeeded."""

    def one(_: int) -> bool:
        try:
            with Instance(Connection.objects.get(pk=pk)) as instance:
                return instance.get("/api/now/table/incident") == {"result": []}
        finally:
            database.close()

    with ThreadPoolExecutor(threads) as pool:
        return sum(pool.map(one, range(threads)))


def end_lease(pk: str) -> int:
    runtime = ConnectionRuntime.objects.filter(connection__id=pk)
    return runtime.update(refresh_lease_until=Now() - timedelta(seconds=1))
