"""Codes and tokens: what is issued for which grant, and for how long."""

import base64
import hashlib
import secrets
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from handoff.sandbox.instance import store, switches, users
from handoff.sandbox.instance.models import AuthorizationCode, Row, Token, TokenKind
from handoff.sandbox.instance.schema import TABLES

CODE_LIFE = timedelta(seconds=60)


class GrantRefused(Exception):
    """Why is nobody's business: the platform gives one opaque answer to all."""


def issue_code(*, client: Row, user: Row, redirect_uri: str, challenge: str) -> str:
    code = AuthorizationCode.objects.create(
        value=secrets.token_urlsafe(32),
        client=client,
        user=user,
        redirect_uri=redirect_uri,
        challenge=challenge,
        expires_at=timezone.now() + CODE_LIFE,
    )
    return code.value


def grant(parameters: Mapping[str, str]) -> dict[str, Any]:
    """Answer the token endpoint, or raise GrantRefused.

    In one transaction each: a code cannot be spent twice, nor two access tokens be
    made where one would do. A code is spent by the attempt, also by a wrong one.
    """
    redeem = _GRANTS.get(parameters.get("grant_type", ""))
    client = _client(parameters)
    if redeem is None or client is None:
        raise GrantRefused
    with transaction.atomic():
        refresh = redeem(client, parameters)
        answer = _answer(refresh) if refresh else None
    if answer is None:
        raise GrantRefused
    return answer


def user_of(access_token: str) -> Row | None:
    token = _live_tokens(TokenKind.ACCESS).filter(value=access_token).first()
    user: Row | None = token.user if token else None
    return user if user and user.value("active") == "true" else None


def revoke(value: str) -> None:
    Token.objects.filter(value=value).update(expires_at=timezone.now())


def client_by_id(client_id: str) -> Row | None:
    if not client_id:
        return None
    return store.first("oauth_entity", client_id=client_id, active="true")


def _client(parameters: Mapping[str, str]) -> Row | None:
    client = client_by_id(parameters.get("client_id", ""))
    if client is None:
        return None
    if client.value("public_client") == "true" and parameters.get("code_verifier"):
        return client
    candidate = parameters.get("client_secret", "")
    known = store.secret_matches(client, column="client_secret", candidate=candidate)
    return client if known else None


def _redeem_code(client: Row, parameters: Mapping[str, str]) -> Token | None:
    code = AuthorizationCode.objects.filter(
        value=parameters.get("code", ""), client=client
    ).first()
    if code is None:
        return None
    code.delete()
    fits = (
        code.expires_at > timezone.now()
        and code.redirect_uri == parameters.get("redirect_uri")
        and _verifies(code.challenge, verifier=parameters.get("code_verifier", ""))
    )
    return _new_refresh_token(client=client, user=code.user) if fits else None


def _redeem_refresh_token(client: Row, parameters: Mapping[str, str]) -> Token | None:
    token = (
        _live_tokens(TokenKind.REFRESH)
        .filter(value=parameters.get("refresh_token", ""), client=client)
        .first()
    )
    if token and switches.read("rotate_refresh_tokens"):
        revoke(token.value)
        return _new_refresh_token(client=client, user=token.user)
    return token


def _redeem_password(client: Row, parameters: Mapping[str, str]) -> Token | None:
    user = users.authenticate(
        user_name=parameters.get("username", ""),
        password=parameters.get("password", ""),
    )
    return _new_refresh_token(client=client, user=user) if user else None


_GRANTS: Mapping[str, Callable[[Row, Mapping[str, str]], Token | None]] = {
    "authorization_code": _redeem_code,
    "refresh_token": _redeem_refresh_token,
    "password": _redeem_password,
}


def _verifies(challenge: str, *, verifier: str) -> bool:
    if not challenge:
        return True
    digest = hashlib.sha256(verifier.encode()).digest()
    made = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
    return constant_time_compare(made, challenge)


def _live_tokens(kind: TokenKind) -> QuerySet[Token]:
    return Token.objects.filter(kind=kind, expires_at__gt=timezone.now()).order_by("pk")


def _answer(refresh: Token) -> dict[str, Any]:
    """Describe the access token that is alive, or a new one, and its remaining life."""
    access = (
        _live_tokens(TokenKind.ACCESS)
        .filter(client=refresh.client, user=refresh.user)
        .first()
    )
    if access is None:
        access = _new_token(TokenKind.ACCESS, client=refresh.client, user=refresh.user)
    return {
        "access_token": access.value,
        "refresh_token": refresh.value,
        "scope": "useraccount",
        "token_type": "Bearer",
        "expires_in": int((access.expires_at - timezone.now()).total_seconds()),
    }


def _new_refresh_token(*, client: Row, user: Row) -> Token:
    return _new_token(TokenKind.REFRESH, client=client, user=user)


def _new_token(kind: TokenKind, *, client: Row, user: Row) -> Token:
    column = f"{kind.value}_token_lifespan"
    seconds = client.value(column)
    if not seconds.isdecimal():
        seconds = TABLES["oauth_entity"].defaults[column]
    return Token.objects.create(
        kind=kind,
        value=secrets.token_urlsafe(64),
        client=client,
        user=user,
        expires_at=timezone.now() + timedelta(seconds=int(seconds)),
    )
