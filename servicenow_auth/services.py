"""What people and other apps do with a connection, one function a use case."""

import hashlib
import logging
import secrets
from datetime import timedelta
from typing import Any

from django.contrib.auth.models import Group, User
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme

from servicenow_auth import oauth, states, tokens
from servicenow_auth.client import Instance
from servicenow_auth.exceptions import (
    AnotherUser,
    AttemptRefused,
    NotAuthorized,
    SealBroken,
    TokenEndpointUnavailable,
)
from servicenow_auth.fields import Secret, seal
from servicenow_auth.identity import PARAMS, PATH, Identity, read_identity
from servicenow_auth.models import (
    AuthorizationAttempt,
    AuthorizationType,
    Connection,
    ConnectionRuntime,
    State,
)
from servicenow_auth.signals import user_changing

logger = logging.getLogger(__name__)

ATTEMPT_LIFE = timedelta(minutes=10)
_NO_TOKENS: dict[str, Any] = dict.fromkeys(
    (
        "access_token",
        "access_issued_at",
        "access_expires_at",
        "access_repeated_at",
        "refresh_token",
        "previous_refresh_token",
        "refresh_issued_at",
        "refresh_expires_at",
    )
)
_NOBODY: dict[str, Any] = {"user_sys_id": "", "user_name": "", "user_checked_at": None}


# --- Configuring -------------------------------------------------------------------


@transaction.atomic
def create_connection(*, owner_group: Group | None) -> Connection:
    connection = Connection.objects.create(owner_group=owner_group)
    ConnectionRuntime.objects.create(connection=connection)
    return connection


@transaction.atomic
def configure(  # noqa: PLR0913 (the fields of the form)
    connection: Connection,
    *,
    host_url: str,
    authorization_type: str,
    user_name: str,
    client_id: str,
    password: str | None = None,
    client_secret: str | None = None,
    refresh_token: str | None = None,
) -> None:
    """Store where and as whom to call; empty secrets keep what is there.

    Secrets and tokens are for one host: another one clears them first, so that
    nobody learns them by pointing a connection at a host of his own.
    """
    held = Connection.objects.select_for_update().get(pk=connection.pk)
    moved = host_url != held.host_url
    if moved:
        connection.password = connection.client_secret = None
    if password:
        connection.password = Secret(password)
    if client_secret:
        connection.client_secret = Secret(client_secret)
    client = (authorization_type, client_id)
    other_client = moved or client != (held.authorization_type, held.client_id)
    connection.host_url, connection.user_name = host_url, user_name
    connection.authorization_type, connection.client_id = client
    connection.save()
    changes = (_NOBODY if moved else {}) | (_NO_TOKENS if other_client else {})
    if refresh_token:
        changes |= _NO_TOKENS | _pasted(connection, refresh_token)
    login = password or client_secret or user_name != held.user_name
    if changes or login:
        _start_anew(connection, **changes)


def _pasted(connection: Connection, refresh_token: str) -> dict[str, Any]:
    sealed = seal(
        model=ConnectionRuntime,
        pk=connection.pk,
        field="refresh_token",
        value=refresh_token,
    )
    return {"refresh_token": sealed}


def _start_anew(connection: Connection, *, detail: str = "", **changes: Any) -> None:
    """Let a refresh under way find that what it brings is no longer wanted."""
    ConnectionRuntime.objects.filter(pk=connection.pk).update(
        state=State.NOT_AUTHORIZED,
        state_since=Now(),
        detail=detail,
        refusals=0,
        version=F("version") + 1,
        refresh_fence=F("refresh_fence") + 1,
        refresh_lease_until=None,
        **changes,
    )


def disconnect(connection: Connection) -> None:
    """Revoke the tokens at ServiceNow as far as it can be reached, and forget them."""
    runtime = ConnectionRuntime.objects.get(pk=connection.pk)
    for token in (runtime.access_token, runtime.refresh_token):
        if token is None:
            continue
        try:
            oauth.revoke(host_url=connection.host_url, token=token.reveal())
        except (TokenEndpointUnavailable, SealBroken) as exc:
            logger.warning(
                "authorization.not_revoked",
                extra={"connection": str(connection.pk), "reason": exc.detail},
            )
    _forget_tokens(connection)


@transaction.atomic
def _forget_tokens(connection: Connection) -> None:
    """Drop them, and announce it where calls were possible so far."""
    runtime = ConnectionRuntime.objects.filter(pk=connection.pk)
    was_ready = runtime.filter(state=State.READY).exists()
    detail = "Somebody disconnected it from ServiceNow."
    if was_ready:
        states.announce_lost(connection.pk, detail=detail)
    _start_anew(connection, detail=detail, **_NO_TOKENS)


# --- Authorize ---------------------------------------------------------------------


def begin(
    *,
    connection: Connection,
    user: User,
    session_key: str,
    redirect_uri: str,
    return_to: str,
) -> str:
    """Remember an attempt for this browser and return where to send it."""
    if not url_has_allowed_host_and_scheme(return_to, allowed_hosts=None):
        raise ValueError("return_to is a path of ours")
    client = tokens.oauth_client(connection)
    state, verifier = secrets.token_hex(32), oauth.new_verifier()
    AuthorizationAttempt.objects.filter(expires_at__lt=Now()).delete()
    AuthorizationAttempt.objects.create(
        state_hash=_hash(state),
        connection=connection,
        user=user,
        session_hash=_hash(session_key),
        verifier=Secret(verifier),
        redirect_uri=redirect_uri,
        host_url=client.host_url,
        return_to=return_to,
        expires_at=timezone.now() + ATTEMPT_LIFE,
    )
    return oauth.authorize_url(
        host_url=client.host_url,
        client_id=client.client_id,
        redirect_uri=redirect_uri,
        state=state,
        verifier=verifier,
    )


def claim(*, state: str, session_key: str) -> AuthorizationAttempt:
    """Use up the attempt that ServiceNow sent the browser back with."""
    attempts = AuthorizationAttempt.objects.filter(pk=_hash(state))
    if not attempts.filter(
        session_hash=_hash(session_key), used_at=None, expires_at__gt=Now()
    ).update(used_at=Now()):
        raise AttemptRefused(
            "This authorization was used before, has expired, or was begun in another "
            "browser. Click Authorize again."
        )
    return attempts.select_related("connection__runtime").get()


def complete(attempt: AuthorizationAttempt, *, code: str) -> Connection:
    """Exchange the code at the very instance that was asked, and keep the tokens.

    Ready comes with `who_am_i`: without knowing who we are, nothing may go on.
    """
    connection = attempt.connection
    changed = AttemptRefused("The connection was changed meanwhile. Authorize again.")
    oauth_at_all = connection.authorization_type == AuthorizationType.OAUTH
    same_host = connection.host_url == attempt.host_url
    if not (oauth_at_all and same_host and attempt.verifier):
        raise changed
    given = oauth.exchange_code(
        tokens.oauth_client(connection),
        code=code,
        redirect_uri=attempt.redirect_uri,
        verifier=attempt.verifier.reveal(),
    )
    if given.refresh_token is None:
        raise NotAuthorized("ServiceNow gave no refresh token with the access token.")
    runtime = ConnectionRuntime.objects.filter(
        pk=connection.pk, version=connection.runtime.version
    )
    columns = tokens.columns(ConnectionRuntime(connection=connection), given)
    if not runtime.update(refresh_fence=F("refresh_fence") + 1, refusals=0, **columns):
        raise changed
    return connection


def who_am_i(connection: Connection) -> Identity:
    """Ask the instance whom it takes us for; its answer makes the connection ready.

    Raises DeliveryError, NotAuthorized where there is no clear answer, or AnotherUser.
    """
    with Instance(connection, probing=True) as instance:
        identity = read_identity(instance.get(PATH, PARAMS))
    _ask_whether_user_may_change(connection, identity, version=instance.version)
    if instance.version is None or not states.make_ready(
        pk=connection.pk,
        version=instance.version,
        user_sys_id=identity.sys_id,
        user_name=identity.user_name,
        user_checked_at=Now(),
    ):
        raise NotAuthorized("The credentials were changed meanwhile. Check again.")
    return identity


def _ask_whether_user_may_change(
    connection: Connection, identity: Identity, *, version: int | None
) -> None:
    runtime = ConnectionRuntime.objects.get(pk=connection.pk)
    if runtime.user_sys_id in ("", identity.sys_id):
        return
    user_name = identity.user_name
    try:
        user_changing.send(Connection, connection=connection, user_name=user_name)
    except AnotherUser as exc:
        guard = {} if version is None else {"version": version}
        states.need_reauthorization(pk=connection.pk, detail=exc.detail, **guard)
        raise


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
