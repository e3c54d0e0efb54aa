"""Is this process up, may it get traffic, and does the product as a whole move on?"""

import os
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, JsonResponse
from django.utils.timezone import now
from django.views.decorators.http import require_safe
from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from handoff.models import Heartbeat
from handoff.relay import due

MAX_LANE_AGE = timedelta(seconds=60)
MAX_BEAT_AGE = timedelta(seconds=30)
BROKER_DEADLINE = 2  # seconds


@require_safe
def healthz(request: HttpRequest) -> JsonResponse:
    """The process answers."""
    return JsonResponse({"status": "ok"})


@require_safe
def readyz(request: HttpRequest) -> JsonResponse:
    """The database is there and migrated: nothing else, since one slow instance must
    not take every web process out.
    """
    return _report({"database": database_is_ready})


@require_safe
def deep(request: HttpRequest) -> JsonResponse:
    """For alerts and for restarting a worker that lives but does nothing."""
    return _report(
        {
            "database": database_is_ready,
            "lanes": lanes_move,
            "beat": beat_ticks,
            "broker": broker_answers,
        }
    )


def _report(checks: dict[str, Callable[[], bool]]) -> JsonResponse:
    results = {name: _passes(check) for name, check in checks.items()}
    healthy = all(results.values())
    body: dict[str, Any] = {
        "status": "ok" if healthy else "failing",
        "checks": {name: "ok" if ok else "failing" for name, ok in results.items()},
    }
    return JsonResponse(body, status=200 if healthy else 503)


def _passes(check: Callable[[], bool]) -> bool:
    try:
        return check()
    except DatabaseError:
        return False


def database_is_ready() -> bool:
    executor = MigrationExecutor(connection)
    return not executor.migration_plan(executor.loader.graph.leaf_nodes())


def lanes_move() -> bool:
    """No lane has been due for a minute that nobody is at, nor waits for another."""
    return not due.stuck(since=now() - MAX_LANE_AGE).exists()


def beat_ticks() -> bool:
    fresh = Heartbeat.objects.filter(name="sweep", at__gt=now() - MAX_BEAT_AGE)
    return fresh.exists()


def broker_answers() -> bool:
    if not settings.REDIS_URL:
        return os.access(settings.BROKER_DIR, os.W_OK)
    half = BROKER_DEADLINE / 2
    client = Redis.from_url(
        settings.REDIS_URL,
        socket_connect_timeout=half,
        socket_timeout=half,
        retry=Retry(NoBackoff(), 0),
    )
    try:
        return bool(client.ping())
    except RedisError:
        return False
    finally:
        client.close()
