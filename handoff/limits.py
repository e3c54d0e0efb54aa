"""Counts a minute, shared by every process through one SQL statement each."""

import logging
import time
from functools import cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from uuid import UUID

from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest

from handoff.exceptions import RateLimited
from handoff.models import RateWindow

logger = logging.getLogger(__name__)

WINDOW = 60  # seconds


def client_address(request: HttpRequest) -> str:
    """Return who called: the address that the outermost trusted proxy saw."""
    forwarded = request.headers.get("X-Forwarded-For", "").split(",")
    hops = [hop.strip() for hop in forwarded if hop.strip()]
    trusted = settings.TRUSTED_PROXIES
    if 0 < trusted <= len(hops) and _parse(hops[-trusted]):
        return hops[-trusted]
    return str(request.META.get("REMOTE_ADDR", ""))


def count_send(*, bot_id: UUID) -> None:
    """Count one write of a bot; raise RateLimited once it had its share.

    Fails open: a bot that proved who it is waits for no counter.
    """
    try:
        count = _count_up(f"bot:{bot_id}")
    except DatabaseError:
        logger.warning("limits.failed_open", extra={"bot": str(bot_id)})
        return
    if count > settings.RATE_LIMIT_PER_BOT:
        raise _too_many("This bot has sent its share of this minute.")


def count_unsigned(*, bot_id: UUID) -> None:
    """Count one call that nothing proves: whoever knows the address can make it."""
    if _count_up(f"unsigned:{bot_id}") > settings.RATE_LIMIT_PER_BOT:
        raise _too_many("Too many unsigned calls for this bot.")


def count_stranger(*, address: str) -> None:
    """Count one refused caller; raise RateLimited once the address had its share.

    Asked only after a credential failed, so one wrong key never locks out the right
    ones behind the same address. Fails closed: a broken counter is an error.
    """
    key = f"stranger:{_network(address)}"
    seen = RateWindow.objects.filter(key=key, window=_window())
    count = seen.values_list("count", flat=True).first() or 0
    # Past the limit nothing is written: strangers must not keep the disk busy.
    if count >= settings.RATE_LIMIT_STRANGERS:
        raise _too_many("Too many refused calls from this address.")
    _count_up(key)


def _count_up(key: str) -> int:
    """Add one to the key's count of this minute and return it, in one statement."""
    window = _window()
    with connection.cursor() as cursor:
        cursor.execute(_upsert(), [key, window])
        count = int(cursor.fetchone()[0])
    if count == 1:
        # One minute of grace for machines whose clock is behind.
        RateWindow.objects.filter(window__lt=window - 1).delete()
    return count


@cache
def _upsert() -> str:
    """PostgreSQL and SQLite (3.35) both speak this; the ORM has no RETURNING here."""
    table = connection.ops.quote_name(RateWindow._meta.db_table)
    # Nobody waits for the disk to have a count: a power cut may take it back.
    is_postgres = connection.vendor == "postgresql"
    lazily = ", set_config('synchronous_commit', 'off', true)" if is_postgres else ""
    return (
        f'INSERT INTO {table} ("key", "window", "count") VALUES (%s, %s, 1)'  # noqa: S608 - the table's name is ours
        f' ON CONFLICT ("key", "window") DO UPDATE SET "count" = {table}."count" + 1'
        f' RETURNING "count"{lazily}'
    )


def _network(address: str) -> str:
    """Return an IPv6 caller's /64, which is what one customer is given."""
    parsed = _parse(address)
    if isinstance(parsed, IPv6Address):
        return str(ip_network((parsed, 64), strict=False))
    return address if parsed else "unknown"


def _parse(address: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(address)
    except ValueError:
        return None


def _window() -> int:
    return int(time.time()) // WINDOW


def _too_many(detail: str) -> RateLimited:
    error = RateLimited(detail)
    error.retry_after = WINDOW - int(time.time()) % WINDOW
    return error
