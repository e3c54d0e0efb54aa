"""End what nobody ends: waits that take too long, chats in which nobody writes."""

from datetime import timedelta

from django.db import transaction
from django.db.models import DateTimeField, ExpressionWrapper, F, Max, QuerySet
from django.db.models.functions import Coalesce, Now
from django.utils.timezone import now

from handoff import lifecycle
from handoff.models import Handoff, Lane
from handoff.models.handoff import EndedBy, Reason, State
from handoff.models.lane import Direction
from handoff.relay.to_servicenow import UNAUTHORIZED, UNREACHABLE

BATCH = 200
WARN_BEFORE = timedelta(minutes=2)


def watch() -> None:
    """Look once for handoffs that waited or idled too long."""
    _end_long_waits()
    _end_idle_chats()


def _end_long_waits() -> None:
    deadline = ExpressionWrapper(
        F("created_at") + F("bot__wait_timeout"), output_field=DateTimeField()
    )
    waiting = Handoff.objects.filter(state__in=[State.REQUESTED, State.QUEUED])
    overdue = waiting.annotate(deadline=deadline).filter(deadline__lte=Now())
    for handoff_id in overdue.values_list("pk", flat=True)[:BATCH]:
        with transaction.atomic():
            handoff = lifecycle.lock(handoff_id)
            if handoff.state in (State.REQUESTED, State.QUEUED):
                reason = _why_waited(handoff)
                lifecycle.close(handoff, reason=reason, ended_by=EndedBy.SYSTEM)


def _why_waited(handoff: Handoff) -> Reason:
    """Tell an empty queue from a ServiceNow that could not be asked."""
    lane = Lane.objects.get(handoff=handoff, direction=Direction.TO_SERVICENOW)
    if lane.stalled_reason == UNAUTHORIZED:
        return Reason.AUTHORIZATION_REQUIRED
    if lane.stalled_reason == UNREACHABLE:
        return Reason.UNREACHABLE
    return Reason.WAIT_TIMEOUT


def _end_idle_chats() -> None:
    for handoff_id in _nearly_idle().values_list("pk", flat=True)[:BATCH]:
        with transaction.atomic():
            _warn_or_end(lifecycle.lock(handoff_id))


def _nearly_idle() -> QuerySet[Handoff]:
    """Return the accepted handoffs that end soon if nobody writes."""
    last_word = Coalesce(Max("messages__created_at"), "accepted_at")
    ends_at = ExpressionWrapper(
        F("last_word") + F("bot__idle_timeout"), output_field=DateTimeField()
    )
    accepted = Handoff.objects.filter(state=State.ACCEPTED)
    timed = accepted.annotate(last_word=last_word).annotate(ends_at=ends_at)
    return timed.filter(ends_at__lte=Now() + WARN_BEFORE).order_by("ends_at")


def _warn_or_end(handoff: Handoff) -> None:
    if handoff.state != State.ACCEPTED:
        return
    last_word = handoff.messages.aggregate(at=Max("created_at"))["at"]
    idle_from = max(filter(None, [last_word, handoff.accepted_at]))
    ends_at = idle_from + handoff.bot.idle_timeout
    if now() >= ends_at:
        lifecycle.close(handoff, reason=Reason.IDLE_TIMEOUT, ended_by=EndedBy.SYSTEM)
    elif handoff.idle_warned_at is None or handoff.idle_warned_at < idle_from:
        handoff.idle_warned_at = now()
        handoff.save(update_fields=["idle_warned_at"])
        data = {"ends_at": lifecycle.timestamp(ends_at)}
        lifecycle.emit(handoff, "handoff.idle_warning", data)
