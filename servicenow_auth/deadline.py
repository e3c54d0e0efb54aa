"""Connections that end at a deadline, and know whether a request has begun.

A socket's time-out starts anew with each byte, so a server that drips holds a call
for as long as it likes. Here a timer shuts the socket down, whatever it waits for:
TLS handshake, headers or body.
"""

import contextlib
import os
import socket
import time
from contextvars import ContextVar
from threading import Lock, Timer
from typing import Any

import urllib3
from urllib3.connection import HTTPConnection, HTTPSConnection

MAX_CONNECT_SECONDS = 5.0


class Call:
    """One request on its way.

    `begun` turns true just before the first byte of the request leaves. Whether a
    failed call may have been applied is read there, not guessed from an exception.
    """

    def __init__(self, *, deadline: float, send_before: float | None) -> None:
        self.ends = time.monotonic() + deadline
        self.send_before = self.ends if send_before is None else send_before
        self.begun = False
        self.late = False
        self.cut = False
        self._stopped = False
        self._lock = Lock()
        self._lifeline: socket.socket | None = None
        self._timer: Timer | None = None

    def timeouts(self) -> tuple[float, float]:
        """Return seconds to connect and to wait for bytes; the timer does the rest."""
        rest = max(self.ends - time.monotonic(), 0.001)
        return min(rest, MAX_CONNECT_SECONDS), rest

    def watch(self, sock: socket.socket) -> None:
        # TLS takes the descriptor away from the socket that it wraps, and a closed
        # connection may still be read from: hence a duplicate of our own.
        self._lifeline = socket.socket(fileno=os.dup(sock.fileno()))
        self._timer = Timer(self.timeouts()[1], self._cut)
        self._timer.daemon = True
        self._timer.start()

    def check_time(self) -> None:
        if time.monotonic() >= min(self.ends, self.send_before):
            self.late = True
            raise TimeoutError

    def begin(self) -> None:
        # Once more, after connecting: the look-up of a name has no time-out.
        self.check_time()
        self.begun = True

    def stop(self) -> None:
        with self._lock:
            self._stopped = True
        if self._timer is not None and self._lifeline is not None:
            self._timer.cancel()
            self._lifeline.close()

    @property
    def watched(self) -> bool:
        return self._timer is not None

    def _cut(self) -> None:
        with self._lock:
            if self._stopped or self._lifeline is None:
                return
            self.cut = True
            with contextlib.suppress(OSError):  # the far side was faster
                self._lifeline.shutdown(socket.SHUT_RDWR)


current_call: ContextVar[Call] = ContextVar("current_call")


class _Connection(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        sock = super()._new_conn()
        current_call.get().watch(sock)
        return sock

    def request(self, *args: Any, **kwargs: Any) -> None:
        call = current_call.get()
        if self.sock is None:
            self.connect()
        if not call.watched:
            call.watch(self.sock)
        call.begin()
        super().request(*args, **kwargs)


class _TlsConnection(_Connection, HTTPSConnection):
    pass


class _Pool(urllib3.HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(urllib3.HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


POOLS = {"http": _Pool, "https": _TlsPool}
