"""Wait for what another process will do, and keep that process alive meanwhile."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")
_PAUSE = 0.1


class NotSeen(RuntimeError):
    """What should have appeared did not, in the time it was given."""


@dataclass(frozen=True)
class Patience:
    tend: Callable[[], None]

    def until(
        self, probe: Callable[[], T | None], *, what: str, seconds: float = 20
    ) -> T:
        """Return what the probe finds, asked until it finds something."""
        end = time.monotonic() + seconds
        while not (found := probe()):
            if time.monotonic() > end:
                raise NotSeen(f"{what}: not seen in {seconds:.0f} s")
            self.tend()
            time.sleep(_PAUSE)
        return found
