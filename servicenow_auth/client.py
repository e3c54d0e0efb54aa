"""One authenticated call to a ServiceNow instance: JSON, or a file."""

import json
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self, TypeVar
from urllib.parse import urlencode

from django.conf import settings
from django.db import InterfaceError, OperationalError

from servicenow_auth import addresses, pauses, states, tokens, transport
from servicenow_auth.answers import Json, clock_offset, content_of, result_of
from servicenow_auth.exceptions import (
    AnswerTooLarge,
    BadAddress,
    DeliveryError,
    NotSent,
    Rejected,
    Resting,
    ServiceNowAuthError,
    Throttled,
    TokenEndpointUnavailable,
    TooLate,
    Unauthorized,
)
from servicenow_auth.models import AuthorizationType, Connection

ReadT = TypeVar("ReadT")
# Seconds: an answer's Date is from before it came, by up to a deadline.
CLOCK_CHANGE = 30.0
# What is noted of an instance must not change what is known of a call.
_DATABASE_TROUBLE = (InterfaceError, OperationalError)


@dataclass(frozen=True, kw_only=True)
class _Request:
    """Both times are of `time.monotonic`; `ends` is for a refresh of the token too."""

    method: str
    target: str
    ends: float
    body: bytes | None = None
    accept: str = "application/json"
    content_type: str = "application/json"
    max_bytes: int = transport.MAX_BYTES
    # They may hold a secret.
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    send_before: float | None = None


class Instance:
    """A ServiceNow instance as its integration user sees it, for one drain.

    Each call returns the JSON object of a definite success, {} for a 204, or a file's
    content; or raises a DeliveryError. Credentials are read at the first call and again
    after a 401; `probing` also tries those that ServiceNow has refused before.
    """

    def __init__(self, connection: Connection, *, probing: bool = False) -> None:
        self._connection = connection
        self._probing = probing
        self._session = transport.Session()
        self._grant: tokens.Grant | None = None
        self._troubled = False
        self._clock_offset: float | None = None
        self._goes_first = False
        # Of the last answer, whatever it was.
        self.headers: Mapping[str, str] = {}
        self.calls = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._session.close()
        self._keep_clock()

    def authorize(self) -> None:
        """Get what authorizes the calls now, and not within the first of them."""
        if self._grant is None:
            self._take_grant(refused=None)

    def get(self, path: str, params: Mapping[str, str | int] | None = None) -> Json:
        target = f"{path}?{urlencode(params)}" if params else path
        request = _Request(method="GET", target=target, ends=_ends())
        return self._call(request, result_of)

    def get_file(self, path: str, *, max_bytes: int) -> bytes:
        """Return a file's content; Rejected where it is larger than `max_bytes`."""
        request = _Request(
            method="GET",
            target=path,
            ends=_ends(),
            accept="*/*",
            max_bytes=max_bytes,
        )
        try:
            return self._call(request, content_of)
        except AnswerTooLarge as exc:
            most = f"{max_bytes / 1_048_576:.3g} MB"
            raise Rejected(f"The file is larger than {most}.", status=413) from exc

    def post(
        self,
        path: str,
        body: Mapping[str, Any] | bytes,
        *,
        headers: Mapping[str, str] | None = None,
        send_before: float | None = None,
    ) -> Json:
        """Post JSON; no byte of it leaves after `send_before`, a `time.monotonic`.

        A body that `headers` sign is given as the bytes that they sign.
        """
        if not isinstance(body, bytes):
            body = json.dumps(body, allow_nan=False).encode()
        request = _Request(
            method="POST",
            target=path,
            ends=_ends(),
            body=body,
            headers=headers or {},
            send_before=send_before,
        )
        return self._call(request, result_of)

    def post_file(
        self,
        path: str,
        params: Mapping[str, str],
        *,
        content: bytes,
        content_type: str,
        send_before: float | None = None,
    ) -> Json:
        """Post bytes as they are, with `send_before` as in `post`."""
        request = _Request(
            method="POST",
            target=f"{path}?{urlencode(params)}",
            ends=_ends(),
            body=content,
            content_type=content_type,
            send_before=send_before,
        )
        return self._call(request, result_of)

    def _call(
        self, request: _Request, read: Callable[[transport.Answer], ReadT]
    ) -> ReadT:
        try:
            result = read(self._authorized(request))
        except DeliveryError as exc:
            with suppress(*_DATABASE_TROUBLE):
                self._learn_from(exc)
            raise
        with suppress(*_DATABASE_TROUBLE):
            self._got_through()
        return result

    def _learn_from(self, exc: DeliveryError) -> None:
        """Note what a failed call tells of the instance as a whole."""
        pk, first = self._connection.pk, self._goes_first
        if isinstance(exc, Throttled):
            pauses.throttle(pk, exc, first=first)
        elif isinstance(exc, Rejected | AnswerTooLarge) or getattr(exc, "ended", False):
            self._got_through()
        elif not isinstance(exc, TooLate | Resting | Unauthorized):
            self._troubled = True
            states.note_unreachable(pk=pk, detail=exc.detail)
            pauses.count_failure(pk, detail=exc.detail, first=first)

    def _got_through(self) -> None:
        if self._troubled:
            states.note_success(pk=self._connection.pk)
            pauses.widen(self._connection.pk)
            self._troubled = False
        if self._goes_first or self._probing:
            pauses.lift(self._connection)
            self._goes_first = False

    def rests_until(self) -> datetime | None:
        """Return until when calls are paused; None: call, perhaps as the first."""
        pk = self._connection.pk
        self._goes_first = self._goes_first or pauses.go_first(pk)
        return None if self._goes_first else pauses.ends_at(pk)

    def _authorized(self, request: _Request) -> transport.Answer:
        grant = self._grant or self._grant_unless_paused()
        answer = self._send(request, grant)
        if answer.status == 401:
            refused = grant.header
            grant = self._take_grant(refused=refused)
            # Basic Auth has nothing newer, and asking again would lock the account.
            if grant.header != refused:
                answer = self._send(request, grant)
        if answer.status == 401:
            self._grant = None
            self._give_up(grant)
            raise Unauthorized("ServiceNow answered 401: it does not accept us.")
        return answer

    def _grant_unless_paused(self) -> tokens.Grant:
        grant = self._take_grant(refused=None)
        if grant.paused and not self._probing and self.rests_until():
            self._grant = None
            raise Resting("Not sent: calls to this instance are paused.")
        return grant

    def _take_grant(self, *, refused: str | None) -> tokens.Grant:
        try:
            self._grant = tokens.grant(
                self._connection, refused=refused, probing=self._probing
            )
        except TokenEndpointUnavailable as exc:
            raise NotSent(exc.detail) from exc
        except ServiceNowAuthError as exc:
            raise Unauthorized(exc.detail) from exc
        self._troubled |= self._grant.troubled
        return self._grant

    def _send(self, request: _Request, grant: tokens.Grant) -> transport.Answer:
        try:
            origin = addresses.servicenow_origin(grant.host_url)
        except BadAddress as exc:
            raise NotSent(str(exc)) from exc
        headers = {
            **request.headers,
            "Accept": request.accept,
            "Authorization": grant.header,
        }
        if request.body is not None:
            headers["Content-Type"] = request.content_type
        self.calls += 1
        answer = transport.send(
            request.method,
            origin + request.target,
            headers=headers,
            body=request.body,
            max_bytes=request.max_bytes,
            deadline=request.ends - time.monotonic(),
            send_before=request.send_before,
            trusted=origin in settings.SERVICENOW_EXTRA_ORIGINS,
            session=self._session,
        )
        self.headers = answer.headers
        self._clock_offset = clock_offset(answer.headers)
        return answer

    def _keep_clock(self) -> None:
        """Store how far the instance's clock is ahead, where that is news."""
        ahead = self._clock_offset
        known = self._grant.clock_offset if self._grant else None
        if ahead is None or (known is not None and abs(ahead - known) < CLOCK_CHANGE):
            return
        states.note_clock(pk=self._connection.pk, ahead=ahead)

    @property
    def version(self) -> int | None:
        """Return which credentials the last call was made with."""
        return self._grant.version if self._grant else None

    def _give_up(self, grant: tokens.Grant) -> None:
        pk = self._connection.pk
        if grant.authorization_type == AuthorizationType.BASIC:
            states.record_refused_password(pk=pk, version=grant.version)
            return
        detail = "ServiceNow refused a token that it had just given."
        states.need_reauthorization(pk=pk, version=grant.version, detail=detail)


def _ends() -> float:
    return time.monotonic() + float(settings.REQUEST_DEADLINE.total_seconds())
