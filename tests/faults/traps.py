"""Something that happens when the relay reaches a moment: see handoff.failpoints."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event

from handoff import failpoints
from handoff.failpoints import Listener, Point

PATIENCE = 10.0

Act = Callable[[], None]


class Killed(BaseException):
    """The worker died here: nothing in the product may catch this."""


def listener(point: Point, act: Act, *, direction: str = "") -> Listener:
    """Do something at a moment; of lanes, in that direction alone if one is named."""

    def listen(reached: Point, about: object) -> None:
        if reached == point and direction in ("", getattr(about, "direction", "")):
            act()

    return listen


@contextmanager
def trap(point: Point, act: Act, *, direction: str = "") -> Iterator[None]:
    """Let something happen in this process whenever it reaches a moment."""
    listen = listener(point, act, direction=direction)
    failpoints.listeners.append(listen)
    try:
        yield
    finally:
        failpoints.listeners.remove(listen)


def die() -> None:
    raise Killed


class Gate:
    """Holds whoever comes to it until it is opened: `trap(point, gate.hold)`."""

    def __init__(self) -> None:
        self._come = Event()
        self._open = Event()

    def hold(self) -> None:
        self._come.set()
        assert self._open.wait(PATIENCE), "nobody opened the gate"

    def wait(self) -> None:
        """Return once somebody is held."""
        assert self._come.wait(PATIENCE), "nobody came to the gate"

    def open(self) -> None:
        self._open.set()
