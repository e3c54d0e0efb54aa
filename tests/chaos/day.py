"""What time it is in a run: it storms, then it is calm, then everybody goes home."""

import math
import time
from threading import Event

from tests.chaos.plan import Plan


class Day:
    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.storm_is_over = Event()
        self.is_done = Event()
        self._calm_since = math.inf

    def calm_down(self) -> None:
        self._calm_since = time.monotonic()
        self.storm_is_over.set()

    def end(self) -> None:
        self.storm_is_over.set()
        self.is_done.set()

    @property
    def is_late(self) -> bool:
        """Tell whether nobody waits any longer for what still may come."""
        return self._calm_for() > self.plan.patience / 3

    @property
    def is_still(self) -> bool:
        """Tell whether no call of the storm can be applied any more."""
        return self._calm_for() > self.plan.timing.limit

    def _calm_for(self) -> float:
        return time.monotonic() - self._calm_since
