"""When an instance is left alone: because it said so, or because it is not there.

A pause whose time is over is not yet lifted. One call goes first: whoever moves the
pause's end into the future may make it. The others wait until that call has shown that
the door is open; if its worker dies, another goes first when the moved end has come.

All times are the database's.
"""

from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet, Value
from django.db.models.functions import Coalesce, Greatest, Now

from servicenow_auth.exceptions import Throttled
from servicenow_auth.models import Connection, ConnectionRuntime
from servicenow_auth.signals import calls_resumed

# Where ServiceNow did not say how long.
UNTOLD = timedelta(seconds=30)
# So many failed calls in a row are taken for bad luck: nothing is paused for them.
BAD_LUCK = 2
LONGEST = timedelta(seconds=60)
# After the deadline of the call that goes first, for what comes before and after it.
MARGIN = timedelta(seconds=5)
# How long it must go well before one more call at a time is allowed.
WIDEN_AFTER = timedelta(seconds=60)


def go_first(pk: UUID) -> bool:
    """Tell whether the caller is the one to try whether the door is open."""
    until = Now() + settings.REQUEST_DEADLINE + MARGIN
    return bool(_rows(pk).filter(paused_until__lte=Now()).update(paused_until=until))


def ends_at(pk: UUID) -> datetime | None:
    return _rows(pk).values_list("paused_until", flat=True).get()


def throttle(pk: UUID, told: Throttled, *, first: bool) -> None:
    """Call nothing for as long as ServiceNow asks; a longer pause stays as it is.

    Where it does not say how long, fewer calls are made at the same time from now on.
    """
    wait = UNTOLD if told.retry_after is None else timedelta(seconds=told.retry_after)
    pause = {
        "paused_until": Now() + wait,
        "pause_reason": told.detail[:300],
        "failures": 0,
        "failing_since": None,
    }
    fewer = {}
    if told.retry_after is None:
        half = Coalesce("calls_allowed", Value(settings.CALLS_PER_CONNECTION)) / 2
        fewer = {"calls_allowed": Greatest(half, Value(1)), "calls_changed_at": Now()}
    # Of many calls that were refused at once one halves.
    if not _running(pk, first=first).update(**pause, **fewer):
        _rows(pk).filter(paused_until__lt=Now() + wait).update(**pause)


@transaction.atomic
def count_failure(pk: UUID, *, detail: str, first: bool) -> None:
    """Pause, for longer each time, once several calls in a row did not get through.

    Of many calls that met the same trouble one counts.
    """
    running = _running(pk, first=first)
    since = Coalesce("failing_since", Now())
    if not running.update(failures=F("failures") + 1, failing_since=since):
        return
    failures = _rows(pk).values_list("failures", flat=True).get()
    if first or failures > BAD_LUCK:
        doublings = min(max(failures - BAD_LUCK - 1, 0), 6)
        wait = min(timedelta(seconds=2**doublings), LONGEST)
        _rows(pk).update(paused_until=Now() + wait, pause_reason=detail[:300])


def lift(connection: Connection) -> None:
    """Let all calls go on: one that went first got through."""
    paused = _rows(connection.pk).exclude(paused_until=None)
    with transaction.atomic():
        if paused.update(paused_until=None, pause_reason=""):
            calls_resumed.send(sender=Connection, connection=connection)


def widen(pk: UUID) -> None:
    """Allow one more call at a time, if that has been well for a while."""
    narrow = _rows(pk).filter(calls_changed_at__lte=Now() - WIDEN_AFTER)
    most = settings.CALLS_PER_CONNECTION
    narrow.filter(calls_allowed__gte=most - 1).update(
        calls_allowed=None, calls_changed_at=None
    )
    narrow.update(calls_allowed=F("calls_allowed") + 1, calls_changed_at=Now())


def _rows(pk: UUID) -> QuerySet[ConnectionRuntime]:
    return ConnectionRuntime.objects.filter(pk=pk)


def _running(pk: UUID, *, first: bool) -> QuerySet[ConnectionRuntime]:
    """Return the row unless it is paused already, by others than who goes first."""
    if first:
        return _rows(pk)
    return _rows(pk).filter(Q(paused_until=None) | Q(paused_until__lte=Now()))
