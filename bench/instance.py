"""The stand-in ServiceNow as the bench holds it."""

import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import requests

from bench.stand_in import NEVER
from tests.processes import Process, free_port
from tests.servers import listens

# Nothing more is expected when nothing came for this long.
SILENCE = 60.0


@dataclass(frozen=True)
class Counted:
    """What arrived of what was sent; times are of `time.monotonic`, by text."""

    arrivals: dict[str, float]
    lost: int
    repeated: int

    @property
    def faults(self) -> int:
        return self.lost + self.repeated

    @property
    def last(self) -> float:
        return max(self.arrivals.values(), default=0.0)


class StandIn:
    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self.session = requests.Session()

    def wait(self, seconds: float) -> None:
        """Let every answer from now on take that long; NEVER for none at all."""
        self._control("delay", {"seconds": seconds})

    def forget(self) -> None:
        self._control("take")

    def count(self, texts: Iterable[str]) -> Counted:
        """Wait until as many arrived, or nothing more does; compare and forget them."""
        expected = set(texts)
        seen, moved_at = 0, time.monotonic()
        while seen < len(expected) and time.monotonic() < moved_at + SILENCE:
            time.sleep(0.05)
            if (arrived := int(self._control("count"))) > seen:
                seen, moved_at = arrived, time.monotonic()
        taken = [pair for pair in self._control("take") if pair[0] in expected]
        arrivals = dict(reversed(taken))
        return Counted(
            arrivals=arrivals,
            lost=len(expected - arrivals.keys()),
            repeated=len(taken) - len(arrivals),
        )

    def _control(self, name: str, body: dict[str, Any] | None = None) -> Any:
        return self.session.post(
            f"{self.url}/bench/{name}", json=body or {}, timeout=30
        ).json()


@contextmanager
def stand_in(folder: Path, *, name: str = "servicenow") -> Iterator[StandIn]:
    """Run one in a process of its own."""
    port = free_port()
    command = [sys.executable, "-m", "bench.stand_in", "--port", str(port)]
    with Process(command, log=folder / f"{name}.log") as process:
        process.wait_until(partial(listens, port))
        instance = StandIn(port)
        with instance.session:
            yield instance


__all__ = ["NEVER", "Counted", "StandIn", "stand_in"]
