"""What becomes of a callback that a fault strikes on its way out."""

import threading
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from handoff.sandbox.instance import switches
from handoff.sandbox.instance.faults import dice

T = TypeVar("T")
Send = Callable[[], object]

# How long one that is to be overtaken waits for the next.
MAX_WAIT = 1.0


class _Overtaken:
    """Callbacks that wait until another has gone out."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: list[Send] = []

    def hold(self, send: Send) -> None:
        with self._lock:
            self._waiting.append(send)
        _later(MAX_WAIT, self.release)

    def release(self) -> None:
        # The last one first: they overtake each other where nothing else comes.
        while send := self._next():
            send()

    def _next(self) -> Send | None:
        with self._lock:
            return self._waiting.pop() if self._waiting else None


_overtaken = _Overtaken()


def send(body: bytes, *, post: Callable[[bytes], T], unheard: T) -> T:
    """Post the body, and return what came of it, as far as no fault strikes.

    `unheard` is returned instead for a callback that goes out later or never.
    """
    rates = dice.for_callbacks.rates()
    fault = dice.for_callbacks.roll(rates) if rates else ""
    if fault:
        dice.record(fault)
    if fault == "fault_callback_reordered":
        _overtaken.hold(partial(post, body))
        return unheard
    if fault == "fault_callback_late":
        _later(switches.read("fault_callback_late_seconds"), partial(post, body))
        return unheard
    if fault == "fault_callback_dropped":
        return unheard
    if fault == "fault_callback_duplicated":
        post(body)
    outcome = post(body[: len(body) // 2] if fault == "fault_callback_broken" else body)
    _overtaken.release()
    return outcome


def _later(seconds: float, send: Send) -> None:
    timer = threading.Timer(seconds, send)
    # A process that ends takes with it what it has not sent, as it would over there.
    timer.daemon = True
    timer.start()
