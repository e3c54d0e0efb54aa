"""Callbacks that end whoever takes them in: counted, and at last set aside.

The count is committed before anything is made of a callback, since what follows may
kill the process.
"""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import F, Q, QuerySet
from django.utils.timezone import now

from handoff.models import Callback, Handoff
from handoff.relay import looking

logger = logging.getLogger(__name__)

MAX_ATTEMPTS = 10
# What several workers begin at one time counts as one attempt.
APART = timedelta(seconds=5)
# What is taken in by one transaction.
BATCH = 200
# Seconds: for so long a worker waits to say that it was the database.
OUTAGE = 20.0
RETRY = 0.5
SET_ASIDE = "It could not be taken in, at any of ten attempts."


@contextmanager
def attempt(stored: QuerySet[Callback]) -> Iterator[int]:
    """Count the attempt at the first callback; yield how many to take, 0 for none.

    After an attempt that nobody got through with they are taken one at a time, so that
    the one that does it comes first. What the database is to blame for does not count.
    """
    size, counted = _begin(stored)
    try:
        yield size
    except (OperationalError, InterfaceError):
        _take_back(counted)
        raise


def _begin(stored: QuerySet[Callback]) -> tuple[int, QuerySet[Callback]]:
    """Return how many to take, and what was counted, if it is still the newest."""
    first = stored.first()
    if first is None:
        return 0, Callback.objects.none()
    if first.attempts >= MAX_ATTEMPTS:
        _set_aside(first)
        return 1, Callback.objects.none()
    if first.fetched_until and first.fetched_until > now():
        # Somebody is at it, and fetches its files.
        return BATCH, Callback.objects.none()
    began_at, this = now(), Callback.objects.filter(pk=first.pk)
    is_new = Q(attempted_at=None) | Q(attempted_at__lt=began_at - APART)
    this.filter(is_new).update(attempts=F("attempts") + 1, attempted_at=began_at)
    return 1 if first.attempts else BATCH, this.filter(attempted_at=began_at)


def _take_back(counted: QuerySet[Callback]) -> None:
    """Count it no more, once the database can be reached again."""
    ends = time.monotonic() + OUTAGE
    while True:
        connection.close_if_unusable_or_obsolete()
        try:
            counted.update(attempts=F("attempts") - 1, attempted_at=None)
        except (OperationalError, InterfaceError):
            if time.monotonic() > ends:
                return
            time.sleep(RETRY)
        else:
            return


def spare(stored: QuerySet[Callback]) -> None:
    """Forget the attempts: somebody got through with it, and it only has to wait."""
    stored.exclude(attempts=0).update(attempts=0)


@transaction.atomic
def _set_aside(callback: Callback) -> None:
    """Let the next one go on, and have ServiceNow read for what this one said."""
    callback.state = Callback.State.BROKEN
    callback.note, callback.processed_at = SET_ASIDE, now()
    callback.save(update_fields=["state", "note", "processed_at"])
    logger.error("callback.set_aside", extra={"callback_id": callback.pk})
    about = Handoff.objects.filter(bot=callback.bot_id, group_id=callback.group_id)
    looking.read_now(about)
