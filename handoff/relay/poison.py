"""Callbacks that end whoever takes them in: counted, and at last set aside.

The count is committed before anything is made of a callback, since what follows may
kill the process.
"""

import logging
from datetime import timedelta

from django.db import transaction
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
SET_ASIDE = "It could not be taken in, at any of ten attempts."


def begin(stored: QuerySet[Callback]) -> int:
    """Count the attempt at the first callback; return how many to take, 0 for none.

    After an attempt that nobody got through with they are taken one at a time, so that
    the one that does it comes first.
    """
    first = stored.first()
    if first is None:
        return 0
    if first.attempts >= MAX_ATTEMPTS:
        _set_aside(first)
        return 1
    if first.fetched_until and first.fetched_until > now():
        return BATCH  # somebody is at it, and fetches its files
    is_new = Q(attempted_at=None) | Q(attempted_at__lt=now() - APART)
    Callback.objects.filter(is_new, pk=first.pk).update(
        attempts=F("attempts") + 1, attempted_at=now()
    )
    return 1 if first.attempts else BATCH


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
