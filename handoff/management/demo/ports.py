"""The three ports of a demo, all on loopback."""

import os
import socket
from contextlib import ExitStack
from dataclasses import astuple, dataclass

HOST = "127.0.0.1"
_USES = (
    ("--port", "the web pages"),
    ("--sandbox-port", "the sandbox"),
    ("--bot-port", "the demo bot"),
)


class CannotStart(RuntimeError):
    """The demo cannot start, for a reason the person who started it can mend."""


@dataclass(frozen=True)
class Ports:
    web: int
    sandbox: int
    bot: int

    def filled(self) -> "Ports":
        """Put a free port of this machine in the place of each 0."""
        with ExitStack() as held:
            return Ports(*(port or _free_port(held) for port in astuple(self)))

    def check(self) -> None:
        for port, (_, use) in zip(astuple(self), _USES, strict=True):
            fault = _why_unusable(port)
            if fault:
                raise CannotStart(
                    f"Port {port}, for {use}, cannot be used: {fault}."
                    " Is another demo running?\nTo start another one beside it:"
                    f' make demo ARGS="--folder .demo-2 {self._others()}"'
                )

    @property
    def are_taken(self) -> bool:
        return all(map(_why_unusable, astuple(self)))

    def _others(self) -> str:
        pairs = zip(astuple(self), _USES, strict=True)
        return " ".join(f"{option} {port + 100}" for port, (option, _) in pairs)


def _free_port(held: ExitStack) -> int:
    """Take a port, held until all are chosen, so that none is chosen twice."""
    server = held.enter_context(socket.create_server((HOST, 0)))
    return int(server.getsockname()[1])


def _why_unusable(port: int) -> str:
    try:
        socket.create_server((HOST, port)).close()
    except OSError as exc:
        return os.strerror(exc.errno or 0).lower()
    return ""
