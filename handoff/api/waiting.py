"""Calls that take their time: a few threads may, the others answer at once."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import BoundedSemaphore

from django.conf import settings

MAX_SECONDS = 25
INTERVAL = 0.3

# A quarter of this process's threads; the rest stays free for messages.
_seats = BoundedSemaphore(max(1, settings.WEB_THREADS // 4))
# Half of them may send files, which the far side takes as slowly as it likes.
SENDING = BoundedSemaphore(max(1, settings.WEB_THREADS // 2))


@contextmanager
def seat(seats: BoundedSemaphore = _seats) -> Iterator[bool]:
    """Say whether the caller may take its time."""
    free = seats.acquire(blocking=False)
    try:
        yield free
    finally:
        if free:
            seats.release()


def wait_until(happened: Callable[[], bool], *, seconds: int) -> None:
    """Return once it happened, the time is up, or at once when no seat is free.

    `happened` should be one cheap query: it is asked three times a second, in
    autocommit, so that no transaction is held open meanwhile.
    """
    if not seconds or happened():
        return
    with seat() as free:
        until = time.monotonic() + seconds
        while free and (rest := until - time.monotonic()) > 0:
            time.sleep(min(INTERVAL, rest))
            if happened():
                return
