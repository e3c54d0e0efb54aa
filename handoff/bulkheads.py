"""At most a quarter of a worker's threads for what one bot's work waits for.

What ServiceNow is called for, and what is sent to the webhook, count apart. Whoever
finds no room leaves his row due: those who hold the threads take it, or a sweep rings.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from uuid import UUID

from django.conf import settings

from handoff.models.lane import Direction

_lock = Lock()
_held: Counter[tuple[UUID, Direction]] = Counter()


@contextmanager
def share(bot_id: UUID, direction: Direction) -> Iterator[bool]:
    """Hold one of the threads for the time of the block; yield whether there was one.

    Counted in this process only, exactly.
    """
    key = (bot_id, direction)
    with _lock:
        has_room = _held[key] < max(1, settings.WORKER_CONCURRENCY // 4)
        _held[key] += has_room
    try:
        yield has_room
    finally:
        with _lock:
            _held[key] -= has_room
            if not _held[key]:
                del _held[key]
