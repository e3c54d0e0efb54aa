"""Decides what is struck by which fault, and keeps count."""

import random
import threading
from collections.abc import Iterable

from django.db.models import Count

from handoff.sandbox.instance import switches
from handoff.sandbox.instance.models import Strike
from handoff.sandbox.instance.switchboard import (
    CALL_FAULTS,
    CALLBACK_FAULTS,
    Definition,
)


class Dice:
    """Rolls the same again whenever it starts again with the same `fault_seed`."""

    def __init__(self, faults: Iterable[Definition]) -> None:
        self._names = [fault.name for fault in faults]
        self._lock = threading.Lock()
        self._random: random.Random | None = None

    def start_again(self) -> None:
        with self._lock:
            self._random = None

    def rates(self) -> dict[str, int]:
        """Return the faults that are on, with their rates in percent."""
        stand = switches.read_all()
        return {name: stand[name] for name in self._names if stand[name]}

    def roll(self, rates: dict[str, int]) -> str:
        """Return the fault that strikes, or "". Together they have 100 %, no more."""
        none = max(0, 100 - sum(rates.values()))
        with self._lock:
            if self._random is None:
                seed = switches.read("fault_seed")
                self._random = random.Random(seed)  # noqa: S311 (to be repeated)
            return self._random.choices([*rates, ""], [*rates.values(), none])[0]


for_calls = Dice(CALL_FAULTS)
for_callbacks = Dice(CALLBACK_FAULTS)


def start_again() -> None:
    for dice in (for_calls, for_callbacks):
        dice.start_again()


def record(fault: str) -> None:
    Strike.objects.create(fault=fault)


def counts() -> dict[str, int]:
    """Return how often each fault has struck, those that never did as well."""
    none = dict.fromkeys((fault.name for fault in (*CALL_FAULTS, *CALLBACK_FAULTS)), 0)
    struck = Strike.objects.values_list("fault").annotate(Count("pk")).order_by()
    return none | dict(struck)
