"""Where a connection stands. Each change is one guarded UPDATE, and announced once."""

from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F, QuerySet
from django.db.models.functions import Now

from servicenow_auth.models import Connection, ConnectionRuntime, State
from servicenow_auth.signals import authorization_changed

# A ServiceNow account is locked after some wrong passwords: stop before that.
MAX_REFUSALS = 3


def need_reauthorization(*, pk: UUID, detail: str, **guard: int) -> bool:
    """Hold the connection until a person acts; False if `guard` no longer matches.

    `guard` is the version, and where a refresh failed the fence, that was refused:
    credentials that came since are not what was refused.
    """
    rows = ConnectionRuntime.objects.filter(pk=pk, **guard)
    lasting = {"detail": detail[:300], "refresh_lease_until": None}
    changing = rows.exclude(state=State.NEEDS_REAUTHORIZATION)
    if changing.exists() and _hold(changing, pk=pk, **lasting):
        return True
    return bool(rows.update(**lasting))


@transaction.atomic
def _hold(rows: QuerySet[ConnectionRuntime], *, pk: UUID, **lasting: Any) -> bool:
    """Announce that they are held, and hold them; neither if they changed meanwhile."""
    announce_lost(pk, detail=lasting["detail"])
    changed = rows.update(
        state=State.NEEDS_REAUTHORIZATION, state_since=Now(), **lasting
    )
    if not changed:
        transaction.set_rollback(True)
    return bool(changed)


@transaction.atomic
def make_ready(*, pk: UUID, version: int, **known: Any) -> bool:
    """Let calls go on, with what is now `known`; False if credentials changed since."""
    rows = ConnectionRuntime.objects.filter(pk=pk, version=version)
    known |= {"detail": "", "refusals": 0}
    if rows.exclude(state=State.READY).update(
        state=State.READY, state_since=Now(), **known
    ):
        _announce(pk, ready=True, detail="")
        return True
    return bool(rows.update(**known))


def record_refused_password(*, pk: UUID, version: int) -> None:
    """Count a 401 for Basic Auth; the third one in a row needs a person."""
    detail = "ServiceNow refused the user name or the password."
    rows = ConnectionRuntime.objects.filter(pk=pk, version=version)
    rows.update(refusals=F("refusals") + 1, detail=detail)
    if rows.filter(refusals__gte=MAX_REFUSALS).exists():
        need_reauthorization(pk=pk, version=version, detail=detail)


def note_unreachable(*, pk: UUID, detail: str) -> None:
    """Keep why the host could not be reached; what needs a person stays on top."""
    rows = ConnectionRuntime.objects.filter(pk=pk).exclude(detail=detail)
    rows.exclude(state=State.NEEDS_REAUTHORIZATION).update(detail=detail)


def note_success(*, pk: UUID) -> None:
    rows = ConnectionRuntime.objects.filter(pk=pk)
    rows.exclude(state=State.NEEDS_REAUTHORIZATION).update(
        detail="", refusals=0, failures=0, failing_since=None
    )


def note_clock(*, pk: UUID, ahead: float) -> None:
    ConnectionRuntime.objects.filter(pk=pk).update(clock_offset=ahead)


def announce_lost(pk: UUID, *, detail: str) -> None:
    """Tell other apps, before the caller changes the row in the same transaction.

    What they lock is locked before a connection's row elsewhere, so here as well.
    """
    _announce(pk, ready=False, detail=detail)


def _announce(pk: UUID, *, ready: bool, detail: str) -> None:
    authorization_changed.send(
        sender=Connection,
        connection=Connection.objects.get(pk=pk),
        ready=ready,
        detail=detail,
    )
