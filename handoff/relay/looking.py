"""Look at ServiceNow for what no callback told: states, and messages before an end."""

import logging
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now
from django.utils.timezone import now

from handoff import chat_systems, doorbell, lifecycle
from handoff.chat_systems import ChatSystem
from handoff.models import Handoff
from handoff.relay import speaking
from handoff.relay.inbox import take_in
from handoff.relay.observing import announce_end
from servicenow_auth import services as auth
from servicenow_auth.client import Instance
from servicenow_auth.exceptions import DeliveryError, Throttled

logger = logging.getLogger(__name__)

SWEEP_LIMIT = 200
# One connection's looks must not fill all of a worker's threads.
LOOKS_PER_BOT = 8
# A worker that died at a look is followed by another after this.
LOOK_LEASE = timedelta(seconds=90)
AFTER_TROUBLE = timedelta(seconds=60)
# An end that nobody could read the messages before is announced after this, marked.
END_PATIENCE = timedelta(seconds=60)
END_RETRY = timedelta(seconds=5)
OVERLAP = timedelta(minutes=5)


def look(handoff_id: UUID) -> None:
    """Read what is due to be read of one handoff, and take it in."""
    handoff = _claim(handoff_id)
    if handoff is None:
        return
    if ends_at := handoff.bot.connection.runtime.pause_ends_at:
        _look_later(handoff, after=ends_at - now())
        return
    try:
        with Instance(handoff.bot.connection) as instance:
            system = chat_systems.connect(handoff.bot, instance)
            if handoff.pending_end is None:
                _look_at_state(handoff, system)
            if handoff.pending_end is not None or handoff.must_read:
                _read_messages(handoff, system)
    except DeliveryError as exc:
        _unseen(handoff, exc)
    else:
        _look_again(handoff, after=settings.POLL_INTERVAL, must_read=False)


def _claim(handoff_id: UUID) -> Handoff | None:
    """Take a due look by moving its time: whoever moves it, looks."""
    due = Handoff.objects.filter(pk=handoff_id, poll_at__lte=Now())
    if not due.update(poll_at=Now() + LOOK_LEASE):
        return None
    related = "bot__connection__runtime"
    return Handoff.objects.select_related(related).get(pk=handoff_id)


def _look_again(handoff: Handoff, *, after: timedelta, **fields: bool) -> None:
    """Set the next look, unless somebody wanted one while this one was made."""
    unchanged = Handoff.objects.filter(pk=handoff.pk, poll_at=handoff.poll_at)
    unchanged.update(poll_at=Now() + after, **fields)


def _look_at_state(handoff: Handoff, system: ChatSystem) -> None:
    seen = system.observe(speaking.conversation(handoff))
    if seen is None:
        return
    agent = None
    is_known = seen.agent_id == handoff.agent_id and bool(handoff.agent_name)
    if seen.agent_id and not is_known:
        agent = system.agent(agent_id=seen.agent_id)
    with transaction.atomic():
        locked = lifecycle.lock(handoff.pk)
        take_in(locked, replace(seen, agent_name=agent.name) if agent else seen)
        if agent and agent.avatar_url:
            locked.agent_avatar_url = agent.avatar_url[:500]
            locked.save(update_fields=["agent_avatar_url"])


def _read_messages(handoff: Handoff, system: ChatSystem) -> None:
    since = handoff.created_at - OVERLAP
    messages = system.messages(speaking.conversation(handoff), since=since)
    with transaction.atomic():
        locked = lifecycle.lock(handoff.pk)
        known = set(locked.messages.exclude(sys_id="").values_list("sys_id", flat=True))
        for message in messages:
            if message.sys_id not in known:
                take_in(locked, message, recovered=True)
        # An end that became known after the read is told after the next one.
        if handoff.pending_end is not None:
            announce_end(locked, complete=True)


def _unseen(handoff: Handoff, exc: DeliveryError) -> None:
    logger.warning(
        "look.failed", extra={"handoff_id": handoff.pk, "detail": exc.detail}
    )
    if isinstance(exc, Throttled):
        wait = exc.retry_after if exc.retry_after is not None else 30.0
        auth.pause(handoff.bot.connection, seconds=wait, reason=exc.detail)
    _look_later(handoff, after=AFTER_TROUBLE)


def _look_later(handoff: Handoff, *, after: timedelta) -> None:
    """Put off a look that showed nothing; an end waits for it so long and no longer."""
    if handoff.pending_end_at is None:
        _look_again(handoff, after=after)
    elif now() - handoff.pending_end_at <= END_PATIENCE:
        _look_again(handoff, after=END_RETRY)
    else:
        with transaction.atomic():
            announce_end(lifecycle.lock(handoff.pk), complete=False)


def sweep() -> None:
    """Ring for handoffs whose look is due, a few of each bot."""
    due = Handoff.objects.filter(poll_at__lte=Now()).order_by("poll_at")
    looks: Counter[UUID] = Counter()
    for handoff_id, bot_id in due.values_list("pk", "bot")[:SWEEP_LIMIT]:
        looks[bot_id] += 1
        if looks[bot_id] <= LOOKS_PER_BOT:
            doorbell.ring("look_at_handoff", str(handoff_id))
