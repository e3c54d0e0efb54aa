"""Look at ServiceNow for what no callback told: states, and messages before an end."""

import logging
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now
from django.utils.timezone import now

from handoff import chat_systems, doorbell, lifecycle
from handoff.chat_systems import ChatSystem, EntryState, InboundMessage
from handoff.models import Handoff
from handoff.relay.inbox import ingest
from handoff.relay.observing import announce_end, observe
from servicenow_auth.client import Instance
from servicenow_auth.exceptions import DeliveryError, ServiceNowAuthError

logger = logging.getLogger(__name__)

SWEEP_LIMIT = 200
# An end that nobody could read the messages before is announced after this, marked.
END_PATIENCE = timedelta(seconds=60)
END_RETRY = timedelta(seconds=5)
OVERLAP = timedelta(minutes=5)


def look(handoff_id: UUID) -> None:
    """Read what is due to be read of one handoff, and take it in."""
    handoff = _claim(handoff_id)
    if handoff is None:
        return
    try:
        with Instance(handoff.bot.connection) as instance:
            system = chat_systems.connect(handoff.bot.chat_system, instance)
            if handoff.pending_end is None:
                _look_at_state(handoff, system)
            if handoff.pending_end is not None or handoff.must_read:
                _read_messages(handoff, system)
    except (DeliveryError, ServiceNowAuthError) as exc:
        _unseen(handoff, exc)


def _claim(handoff_id: UUID) -> Handoff | None:
    """Take a due look by moving its time: whoever moves it, looks."""
    due = Handoff.objects.filter(pk=handoff_id, poll_at__lte=Now())
    if not due.update(poll_at=Now() + settings.POLL_INTERVAL):
        return None
    related = "bot__connection__runtime"
    return Handoff.objects.select_related(related).get(pk=handoff_id)


def _look_at_state(handoff: Handoff, system: ChatSystem) -> None:
    seen = system.observe(group_id=handoff.group_id)
    if seen is None:
        return
    agent = None
    if seen.state == EntryState.ACCEPTED and seen.agent_id != handoff.agent_id:
        agent = system.agent(agent_id=seen.agent_id)
    with transaction.atomic():
        locked = lifecycle.lock(handoff.pk)
        observe(locked, replace(seen, agent_name=agent.name) if agent else seen)
        if agent and agent.avatar_url:
            locked.agent_avatar_url = agent.avatar_url[:500]
            locked.save(update_fields=["agent_avatar_url"])


def _read_messages(handoff: Handoff, system: ChatSystem) -> None:
    since = handoff.created_at - OVERLAP
    _take_in(handoff, system.messages(group_id=handoff.group_id, since=since))


@transaction.atomic
def _take_in(handoff: Handoff, messages: list[InboundMessage]) -> None:
    """Relay what no callback brought; an end known before the read is told after it."""
    locked = lifecycle.lock(handoff.pk)
    for message in messages:
        ingest(locked, message, recovered=True)
    if handoff.pending_end is not None:
        announce_end(locked, complete=True)
    elif handoff.must_read:
        Handoff.objects.filter(pk=handoff.pk).update(must_read=False)


def _unseen(handoff: Handoff, exc: DeliveryError | ServiceNowAuthError) -> None:
    logger.warning(
        "look.failed", extra={"handoff_id": handoff.pk, "detail": exc.detail}
    )
    if handoff.pending_end_at is None:
        return
    if now() - handoff.pending_end_at > END_PATIENCE:
        with transaction.atomic():
            announce_end(lifecycle.lock(handoff.pk), complete=False)
    else:
        mine = Handoff.objects.filter(pk=handoff.pk, poll_at__isnull=False)
        mine.update(poll_at=Now() + END_RETRY)


def sweep() -> None:
    """Ring for every handoff whose look is due."""
    due = Handoff.objects.filter(poll_at__lte=Now()).order_by("poll_at")
    for handoff_id in due.values_list("pk", flat=True)[:SWEEP_LIMIT]:
        doorbell.ring("look_at_handoff", str(handoff_id))
