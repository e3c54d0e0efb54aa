"""The product's worker with a trap in it, set by RELAY_FAILPOINT in its environment.

`after_intent:kill` kills it whenever it reaches that moment, `pause` stops it there
until somebody sends SIGCONT, `raise` breaks what it does. `after_intent@to_bot:kill`
waits for lanes of one direction. With a third part, `after_intent:kill:/tmp/marker`,
it happens once among all processes that name that file, which then exists.

    product.env["RELAY_FAILPOINT"] = f"{Point.AFTER_INTENT}:kill:{marker}"
    product.celery_app = "tests.faults.worker"
"""

import os
import signal
from pathlib import Path

from config.celery import app
from handoff import failpoints
from handoff.failpoints import Listener, Point
from tests.faults.traps import Act, listener

__all__ = ["app"]


class Broken(Exception):
    """What RELAY_FAILPOINT asked for."""


def _kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _pause() -> None:
    os.kill(os.getpid(), signal.SIGSTOP)


def _raise() -> None:
    raise Broken


ACTS = {"kill": _kill, "pause": _pause, "raise": _raise}


def _once(act: Act, *, marker: Path) -> Act:
    def act_first() -> None:
        try:
            marker.touch(exist_ok=False)
        except FileExistsError:
            return
        act()

    return act_first


def _wanted(text: str) -> Listener:
    where, name, *marker = text.split(":")
    point, _, direction = where.partition("@")
    act = _once(ACTS[name], marker=Path(*marker)) if marker else ACTS[name]
    return listener(Point(point), act, direction=direction)


failpoints.listeners.append(_wanted(os.environ["RELAY_FAILPOINT"]))
