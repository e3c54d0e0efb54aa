"""Sockets of this process reach this machine and nothing else."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from typing import Any

import pytest
import responses


class BeyondTheFence(RuntimeError):
    """No OSError: code that expects those would take it for a server that is down."""


def refused(http: responses.RequestsMock) -> list[str]:
    """Return the addresses that were called without a prepared answer."""
    why = "Connection refused by Responses"
    return [str(call.request.url) for call in http.calls if why in str(call.response)]


@contextmanager
def loopback_only() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for name in ("connect", "connect_ex"):
            patch.setattr(socket.socket, name, _guarded(getattr(socket.socket, name)))
        yield


def _guarded(method: Any) -> Any:
    def guarded(self: socket.socket, address: Any) -> Any:
        if self.family != socket.AF_UNIX and not _is_loopback(address[0]):
            raise BeyondTheFence(f"a test connects to {address[0]}")
        return method(self, address)

    return guarded


def _is_loopback(host: str) -> bool:
    return host == "localhost" or ip_address(host).is_loopback
