"""The header that authorizes a call, and the refresh that keeps it good.

However many processes find a token at its end, one of them asks for the next: it
holds a lease in the runtime row while it is on the network, and what it brings is
saved only if nobody changed the row meanwhile. No lock is held while it waits.
"""

import time
from base64 import b64encode
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from django.db import InterfaceError, OperationalError
from django.db import connection as database
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now

from servicenow_auth import oauth, states
from servicenow_auth.exceptions import (
    AuthorizationRefused,
    NotAuthorized,
    TokenEndpointUnavailable,
)
from servicenow_auth.fields import Ciphertext, Secret, seal
from servicenow_auth.models import (
    AuthorizationType,
    Connection,
    ConnectionRuntime,
    State,
)

LEASE = timedelta(seconds=30)
# ServiceNow's default; it is set for each OAuth application and told to nobody.
REFRESH_TOKEN_LIFE = timedelta(days=100)
EARLY = timedelta(seconds=120)
# How long an answer "the same token again" is taken for ServiceNow's last word.
REPEAT = timedelta(seconds=10)
MAX_WAIT = 10.0
POLL = 0.1
SAVE_FOR = 60.0


@dataclass(frozen=True, kw_only=True)
class Grant:
    """Where and as whom to call, read together: credentials go to their own host.

    `version` is that of the credentials; `troubled`: the last calls went wrong;
    `paused`: calls are paused, or nobody has found yet that they may go on;
    `clock_offset` is what is known of the instance's clock.
    """

    host_url: str
    authorization_type: str
    header: str = field(repr=False)
    version: int
    troubled: bool
    clock_offset: float | None
    paused: bool


def grant(
    connection: Connection, *, refused: str | None = None, probing: bool = False
) -> Grant:
    """Return what authorizes a call, refreshed where it is due or was `refused`.

    Not inside a transaction: a refresh goes over the network and is saved at once.
    `refused` is the value of `Authorization` that just got a 401; `probing` also
    tries what ServiceNow has refused for good.
    """
    ends = time.monotonic() + MAX_WAIT
    refreshed = False
    while True:
        # Lives are judged by the database's clock, on which they were written.
        rows = ConnectionRuntime.objects.select_related("connection")
        runtime = rows.annotate(read_at=Now()).get(pk=connection.pk)
        header = _header(runtime, probing=probing)
        if refreshed or not _must_refresh(
            runtime, refused=header == refused, now=runtime.read_at
        ):
            break
        if _claim(runtime):
            _refresh(runtime)
            refreshed = True
        elif header and header != refused and not _ended(runtime, now=runtime.read_at):
            break  # good for as long as that refresh takes
        elif time.monotonic() > ends:
            raise TokenEndpointUnavailable("A refresh of the token is still under way.")
        else:
            time.sleep(POLL)
    return Grant(
        host_url=runtime.connection.host_url,
        authorization_type=runtime.connection.authorization_type,
        header=header,
        version=runtime.version,
        clock_offset=runtime.clock_offset,
        troubled=runtime.is_troubled,
        paused=runtime.paused_until is not None,
    )


def _header(runtime: ConnectionRuntime, *, probing: bool) -> str:
    """Return the header as stored, "" where only a refresh token is there yet."""
    connection = runtime.connection
    if runtime.state == State.NEEDS_REAUTHORIZATION and not probing:
        raise AuthorizationRefused(runtime.detail or "Needs re-authorization.")
    if connection.authorization_type == AuthorizationType.BASIC:
        return _basic(connection)
    if runtime.refresh_token is None:
        raise NotAuthorized("Nobody has authorized us yet.")
    if runtime.access_token is None:
        return ""
    return f"Bearer {runtime.access_token.reveal()}"


def _basic(connection: Connection) -> str:
    if not connection.user_name or connection.password is None:
        raise NotAuthorized("The user name or the password is missing.")
    pair = f"{connection.user_name}:{connection.password.reveal()}"
    return f"Basic {b64encode(pair.encode()).decode()}"


def _must_refresh(runtime: ConnectionRuntime, *, refused: bool, now: datetime) -> bool:
    if runtime.connection.authorization_type == AuthorizationType.BASIC:
        return False
    if refused:
        repeated = runtime.access_repeated_at
        return repeated is None or now - repeated > REPEAT
    if runtime.access_issued_at is None or runtime.access_expires_at is None:
        return True
    # Within its life a token is answered again with what is left of it. Never asking
    # before half of that has passed keeps its last two minutes from being a storm.
    life = runtime.access_expires_at - runtime.access_issued_at
    early = min(max(life / 5, EARLY), life / 2)
    return now >= runtime.access_expires_at - early


def _ended(runtime: ConnectionRuntime, *, now: datetime) -> bool:
    ends = runtime.access_expires_at
    return ends is None or now >= ends


def _claim(runtime: ConnectionRuntime) -> bool:
    free = Q(refresh_lease_until=None) | Q(refresh_lease_until__lt=Now())
    claimed = _unchanged(runtime).filter(free)
    if not claimed.update(
        refresh_fence=F("refresh_fence") + 1, refresh_lease_until=Now() + LEASE
    ):
        return False
    runtime.refresh_fence += 1
    return True


def _unchanged(runtime: ConnectionRuntime) -> QuerySet[ConnectionRuntime]:
    return ConnectionRuntime.objects.filter(
        pk=runtime.pk, version=runtime.version, refresh_fence=runtime.refresh_fence
    )


def _refresh(runtime: ConnectionRuntime) -> None:
    """Bring and store the next token; the caller holds the lease."""
    try:
        tokens = _ask(runtime)
    except TokenEndpointUnavailable as exc:
        _unchanged(runtime).update(refresh_lease_until=None)
        states.note_unreachable(pk=runtime.pk, detail=exc.detail)
        raise
    except AuthorizationRefused as exc:
        if states.need_reauthorization(
            pk=runtime.pk,
            detail=exc.detail,
            version=runtime.version,
            refresh_fence=runtime.refresh_fence,
        ):
            raise
        return  # what was refused is no longer what we hold
    _save(runtime, tokens)


def _ask(runtime: ConnectionRuntime) -> oauth.Tokens:
    """Refresh with the token we hold, and once more before a refusal is believed.

    The second time with the one before it: a provider that rotates may have lost the
    answer that would have told it to forget that.
    """
    if runtime.refresh_token is None:
        raise NotAuthorized("Nobody has authorized us yet.")
    client = oauth_client(runtime.connection)
    try:
        return _ask_with(client, runtime.refresh_token)
    except AuthorizationRefused:
        return _ask_with(
            client, runtime.previous_refresh_token or runtime.refresh_token
        )


def _ask_with(client: oauth.Client, refresh_token: Secret) -> oauth.Tokens:
    tokens = oauth.refresh(client, refresh_token=refresh_token.reveal())
    return replace(tokens, refresh_token=tokens.refresh_token or refresh_token.reveal())


def oauth_client(connection: Connection) -> oauth.Client:
    if not (connection.host_url and connection.client_id and connection.client_secret):
        raise NotAuthorized("Host URL, Client ID and Client Secret are needed first.")
    return oauth.Client(
        host_url=connection.host_url,
        client_id=connection.client_id,
        client_secret=connection.client_secret.reveal(),
    )


def _save(runtime: ConnectionRuntime, tokens: oauth.Tokens) -> None:
    """Store them, waiting for a database that restarts: they may exist only here."""
    ends = time.monotonic() + SAVE_FOR
    pause = POLL
    while True:
        try:
            _unchanged(runtime).update(**columns(runtime, tokens))
        except (InterfaceError, OperationalError):
            if database.in_atomic_block or time.monotonic() > ends:
                raise
            database.close()
            time.sleep(pause)
            pause = min(pause * 2, 5.0)
        else:
            return


def columns(runtime: ConnectionRuntime, tokens: oauth.Tokens) -> dict[str, Any]:
    """Return what `QuerySet.update` writes for new tokens."""
    access, held = runtime.access_token, runtime.refresh_token
    repeated = access is not None and access.reveal() == tokens.access_token
    written = {
        "access_token": _sealed(runtime, "access_token", tokens.access_token),
        "access_issued_at": Now(),
        "access_expires_at": Now() + timedelta(seconds=tokens.expires_in),
        "access_repeated_at": Now() if repeated else None,
        "refresh_lease_until": None,
        "version": F("version") + 1,
    }
    new = tokens.refresh_token
    if new is not None and not (held and held.reveal() == new):
        written |= {
            "refresh_token": _sealed(runtime, "refresh_token", new),
            "previous_refresh_token": held
            and _sealed(runtime, "previous_refresh_token", held.reveal()),
            "refresh_issued_at": Now(),
            "refresh_expires_at": Now() + REFRESH_TOKEN_LIFE,
        }
    return written


def _sealed(runtime: ConnectionRuntime, field: str, value: str) -> Ciphertext:
    return seal(model=ConnectionRuntime, pk=runtime.pk, field=field, value=value)
