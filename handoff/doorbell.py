"""Ring for a worker, by task name.

A ring carries ids only, may be lost and may come twice: the row it is about stays due
until someone has dealt with it, and the sweep rings again.
"""

import logging
import time
from functools import partial
from uuid import UUID

from celery import current_app
from django.db import transaction
from kombu.exceptions import LimitExceeded, OperationalError

from handoff.metrics import DOORBELL_ERRORS

logger = logging.getLogger(__name__)

# After a failure nobody waits for the broker for this long; the sweep takes over.
SILENCE = 5.0
EXPIRES = 60
TYPING_EXPIRES = 5


class _Breaker:
    """Per process: the moment until which the broker is left alone."""

    open_until = 0.0


def ring(task: str, *args: int | str, expires: int = EXPIRES) -> None:
    """Publish now; swallow and count what the broker says against it."""
    if time.monotonic() < _Breaker.open_until:
        DOORBELL_ERRORS.inc()
        return
    try:
        current_app.send_task(
            f"handoff.tasks.{task}", args=args, expires=expires, ignore_result=True
        )
    except (OperationalError, LimitExceeded, OSError) as exc:
        _Breaker.open_until = time.monotonic() + SILENCE
        DOORBELL_ERRORS.inc()
        logger.warning("doorbell.failed", extra={"error": type(exc).__name__})


def ring_on_commit(task: str, *args: int | str) -> None:
    transaction.on_commit(partial(ring, task, *args), robust=True)


def ring_lane(lane_id: int) -> None:
    """Ring for a lane once what made it due is committed."""
    ring_on_commit("drain_lane", lane_id)


def ring_callbacks(*, bot_id: UUID, group_id: str) -> None:
    """Ring for the stored callbacks of one conversation."""
    ring_on_commit("process_callbacks", str(bot_id), group_id)


def ring_typing(handoff_id: UUID, *, typing: bool) -> None:
    """Ring for a typing notice, which is worth nothing a few seconds later."""
    ring("show_typing", str(handoff_id), int(typing), expires=TYPING_EXPIRES)


def ring_receipts(handoff_id: UUID) -> None:
    """Ring for what the agent is to be shown of what has reached the bot."""
    ring_on_commit("send_receipts", str(handoff_id))


def ring_look(handoff_id: UUID) -> None:
    """Ring for a look at what ServiceNow shows of a handoff."""
    ring_on_commit("look_at_handoff", str(handoff_id))
