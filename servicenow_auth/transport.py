"""The only module that calls an address which somebody typed.

It speaks through requests' adapters and not through its sessions: cookies, redirects
and what the environment says of proxies, .netrc and certificates live in those.
"""

import http.client
import ipaddress
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Self

import certifi
import requests
import urllib3
from requests.adapters import HTTPAdapter
from requests_hardened.ip_filter import InvalidIPAddress
from requests_hardened.ip_filter_adapter import IPFilterAdapter

from servicenow_auth.deadline import POOLS, Call, current_call
from servicenow_auth.exceptions import Ambiguous, AnswerTooLarge, NotSent, TooLate

MAX_BYTES = 1_000_000
MAX_IDLE_SECONDS = 5.0
_HEADERS = {"User-Agent": "Handoff", "Accept-Encoding": "identity"}
# Deprecated ranges that the guard lets pass: ::127.0.0.1 and site-local addresses.
_MORE_PRIVATE = [ipaddress.ip_network("::/96"), ipaddress.ip_network("fec0::/10")]
_FAULTS = (
    requests.RequestException,
    urllib3.exceptions.HTTPError,
    http.client.HTTPException,
    OSError,
    ValueError,
)
_WHY_NOT_SENT = (
    (InvalidIPAddress, "the host is not at a public address"),
    (socket.gaierror, "the host name is unknown"),
    (ssl.SSLError, "its TLS certificate or handshake was not accepted"),
    (requests.exceptions.SSLError, "its TLS certificate was not accepted"),
    (ConnectionRefusedError, "it refused the connection"),
    (TimeoutError, "it could not be connected to in time"),
)


@dataclass(frozen=True, kw_only=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes


@cache
def _tls(ca: str) -> ssl.SSLContext:
    # Reading the authorities takes 40 ms, a call to a near instance less.
    context = ssl.create_default_context(cafile=ca)
    context.hostname_checks_common_name = False
    return context


class _Adapter(HTTPAdapter):
    def __init__(self, *, ca: str, **kwargs: Any) -> None:
        self._ca = ca
        super().__init__(**kwargs)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, ssl_context=_tls(self._ca), **kwargs)
        self.poolmanager.pool_classes_by_scheme = POOLS

    def cert_verify(self, *args: Any, **kwargs: Any) -> None:
        """Leave the pool as it is: its TLS context holds the authorities already."""


class _GuardedAdapter(_Adapter, IPFilterAdapter):  # type: ignore[misc] # untyped
    """Connects to public addresses only, and to the very one that was checked."""

    def build_connection_pool_key_attributes(self, *args: Any, **kwargs: Any) -> Any:
        host, tls = super().build_connection_pool_key_attributes(*args, **kwargs)
        address = ipaddress.ip_address(host["host"].strip("[]"))
        if any(address in network for network in _MORE_PRIVATE):
            raise InvalidIPAddress(address)
        return host, tls


class Session:
    """Connections kept between the calls of one drain; never shared by threads."""

    def __init__(self, *, idle: float = MAX_IDLE_SECONDS, ca: str = "") -> None:
        self._idle = idle
        self._ca = ca or certifi.where()
        self._used_at = 0.0
        self._adapters: dict[bool, HTTPAdapter] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        for adapter in self._adapters.values():
            adapter.close()

    def adapter(self, *, trusted: bool) -> HTTPAdapter:
        # The far side closes idle connections when it likes, perhaps as we send.
        if time.monotonic() - self._used_at > self._idle:
            self.close()
        if trusted not in self._adapters:
            guarded = {} if trusted else {"is_https_proto": True}
            kind = _Adapter if trusted else _GuardedAdapter
            self._adapters[trusted] = kind(ca=self._ca, **guarded)
        return self._adapters[trusted]

    def used(self) -> None:
        self._used_at = time.monotonic()


def send(  # noqa: PLR0913 (a call has that many sides, all but two by name)
    method: str,
    url: str,
    *,
    headers: Mapping[str, str],
    deadline: float,
    body: bytes | None = None,
    max_bytes: int = MAX_BYTES,
    send_before: float | None = None,
    trusted: bool = False,
    session: Session | None = None,
) -> Answer:
    """Make one call and return whatever came back, or raise NotSent or Ambiguous.

    `deadline` is in seconds and for all of it; `send_before` is a time of
    `time.monotonic`, after which no byte is sent any more. An answer of more than
    `max_bytes` is AnswerTooLarge. `trusted` lifts the guard and is for an exact origin
    that the operator listed.
    """
    call = Call(deadline=deadline, send_before=send_before)
    token = current_call.set(call)
    own = session or Session()
    try:
        if not (trusted or url.startswith("https://")):
            raise NotSent("Not sent: the address is not https.")
        call.check_time()
        request = requests.Request(method, url, {**_HEADERS, **headers}, data=body)
        adapter = own.adapter(trusted=trusted)
        return _exchange(adapter, request.prepare(), call, max_bytes=max_bytes)
    except _FAULTS as exc:
        raise _outcome(call, exc) from None
    finally:
        call.stop()
        current_call.reset(token)
        own.used()
        if session is None:
            own.close()


def _exchange(
    adapter: HTTPAdapter,
    request: requests.PreparedRequest,
    call: Call,
    *,
    max_bytes: int,
) -> Answer:
    with adapter.send(request, stream=True, timeout=call.timeouts()) as response:
        body = bytearray()
        while chunk := response.raw.read(65_536, decode_content=False):
            body += chunk
            if len(body) > max_bytes:
                most = max_bytes / 1_000_000
                raise AnswerTooLarge(f"The answer is larger than {most:.3g} MB.")
        if call.cut:  # where no length was announced, a cut looks like an end
            raise TimeoutError
        return Answer(
            status=response.status_code, headers=response.headers, body=bytes(body)
        )


def _outcome(call: Call, exc: BaseException) -> NotSent | Ambiguous:
    if call.begun and (call.cut or isinstance(exc, TimeoutError | requests.Timeout)):
        return Ambiguous("No complete answer came in time.")
    if call.begun:
        return Ambiguous("The connection broke before the answer was complete.")
    if call.late:
        return TooLate("Not sent: it was too late.")
    if call.cut:
        return NotSent("Not sent: it could not be connected to in time.")
    for cause in _chain(exc):
        for kind, why in _WHY_NOT_SENT:
            if isinstance(cause, kind):
                return NotSent(f"Not sent: {why}.")
    return NotSent("Not sent: no connection could be made.")


def _chain(exc: BaseException | None) -> Iterator[BaseException]:
    while exc is not None:
        yield exc
        exc = exc.__cause__ or exc.__context__
