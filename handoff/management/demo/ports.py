"""The ports of a demo, all on loopback."""

import os
import socket
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import astuple, dataclass

HOST = "127.0.0.1"
# The options that name another port, and what each port is for.
OPTIONS = {
    "--port": "the web pages",
    "--sandbox-port": "the sandbox",
    "--bot-port": "the demo bot with Connect Support",
    "--second-bot-port": "the demo bot with Agent Chat",
}


class CannotStart(RuntimeError):
    """The demo cannot start, for a reason the person who started it can mend."""


@dataclass(frozen=True)
class Ports:
    web: int
    sandbox: int
    bot: int
    second_bot: int

    def filled(self) -> "Ports":
        """Put a free port of this machine in the place of each 0."""
        with ExitStack() as held:
            return Ports(*(port or _free_port(held) for port in astuple(self)))

    def check(self) -> None:
        for port, use in zip(astuple(self), OPTIONS.values(), strict=True):
            fault = _why_unusable(port)
            if fault:
                raise CannotStart(
                    f"Port {port}, for {use}, cannot be used: {fault}."
                    " Is another demo running?\nTo start another one beside it:"
                    f' make demo ARGS="--folder .demo-2 {self._others()}"'
                )

    def _others(self) -> str:
        pairs = zip(astuple(self), OPTIONS, strict=True)
        return " ".join(f"{option} {port + 100}" for port, option in pairs)


def are_taken(ports: Sequence[int]) -> bool:
    return all(map(_why_unusable, ports))


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
