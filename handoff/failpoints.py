"""Moments of the relay at which a test may stop, break or kill what runs.

The product reaches them, finds nobody there and goes on: no setting and nothing in the
environment puts a listener here. Only code that a test process runs does.
"""

from collections.abc import Callable
from enum import StrEnum


class Point(StrEnum):
    # Of a lane, in either direction: listeners are given the Lane.
    AFTER_CLAIM = "after_claim"  # it is ours, and nothing of it was looked at
    AFTER_INTENT = "after_intent"  # which is committed; no byte has left
    AFTER_ANSWER = "after_answer"  # whose meaning is known here and not recorded
    DURING_READ_BACK = "during_read_back"  # what was read is not recorded
    AFTER_RECORD = "after_record"  # committed, with the next intent or the release
    NONE_LEFT = "none_left"  # is decided; the lane's sleep is not committed

    # Of what ServiceNow said: listeners are given the Callback.
    CALLBACK_STORED = "callback_stored"  # not committed, nobody was rung
    IN_PROCESSING = "in_processing"  # taken in, not committed

    # Of a look at a conversation: listeners are given the Handoff.
    DURING_LOOK = "during_look"  # its messages are read, and none is taken in


Listener = Callable[[Point, object], None]

listeners: list[Listener] = []


def reach(point: Point, about: object) -> None:
    """Tell whoever listens that this moment has come."""
    for listener in listeners:
        listener(point, about)
