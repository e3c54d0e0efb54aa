"""Threads that each work off one queue of rows, in the order in which they came."""

import threading
from collections.abc import Callable

from django.db import transaction


class Worker:
    """A thread that rests until somebody rings, or for `rest` seconds at most."""

    def __init__(self, name: str, *, rest: float | None = None) -> None:
        self._name = name
        self._rest = rest
        self._bell = threading.Event()

    def wake(self) -> None:
        self._bell.set()

    def wake_on_commit(self) -> None:
        transaction.on_commit(self.wake)

    def start(self, work: Callable[[], None]) -> None:
        """Begin with what a former process left, and go on whenever rung for."""
        threading.Thread(
            target=self._run, args=(work,), daemon=True, name=self._name
        ).start()

    def _run(self, work: Callable[[], None]) -> None:
        while True:
            work()
            self._bell.wait(self._rest)
            self._bell.clear()
