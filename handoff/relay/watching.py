"""End what nobody ends: waits that take too long, chats in which nobody writes."""

from datetime import timedelta

from django.db import transaction
from django.db.models import DateTimeField, ExpressionWrapper, F, Max, QuerySet
from django.db.models.functions import Coalesce, Now
from django.utils.timezone import now

from handoff import chat_systems, events, files, lifecycle
from handoff.models import Callback, Handoff, Lane, Outgoing
from handoff.models.handoff import EndedBy, Reason, State
from handoff.models.lane import Direction, ItemState
from handoff.relay import courtesies, file_transfer, ticket
from handoff.relay.to_servicenow import UNAUTHORIZED, UNREACHABLE

BATCH = 200
WARN_BEFORE = timedelta(minutes=2)
NEVER_HEARD = (
    "ServiceNow took the request and then called nothing back. Its administrator"
    " should look at the outbound connection, its URL, and the message authentication."
)
NOT_QUEUED = (
    "ServiceNow answered, but put the conversation into no queue. Its administrator"
    " should look at the queues' routing conditions, and whether agents are there."
)


def watch() -> None:
    """Look once for handoffs that waited or idled too long."""
    _end_unanswered()
    _end_long_waits()
    _end_idle_chats()
    ticket.tell_overdue()
    courtesies.ring_for_receipts()
    file_transfer.tell_unfetched()
    files.expire()


def _end_unanswered() -> None:
    """End what ServiceNow took and then never spoke of, or never let into a queue."""
    deadline = ExpressionWrapper(
        F("attempt_started_at") + F("lane__bot__agent_chat__answer_timeout"),
        output_field=DateTimeField(),
    )
    starts = Outgoing.objects.filter(
        kind=Outgoing.Kind.START,
        state__in=[ItemState.SENDING, ItemState.SENT],
        lane__handoff__state=State.REQUESTED,
        lane__handoff__pending_end_at=None,
        lane__bot__chat_system__in=chat_systems.unreadable(),
    )
    overdue = starts.annotate(deadline=deadline).filter(deadline__lte=Now())
    for handoff_id in overdue.values_list("lane__handoff", flat=True)[:BATCH]:
        with transaction.atomic():
            handoff = lifecycle.lock(handoff_id)
            if _goes_on(handoff, State.REQUESTED) and not _has_unread(handoff):
                _end_unrouted(handoff)


def _goes_on(handoff: Handoff, *states: State) -> bool:
    """Tell whether it is in one of these states, and no end waits to be told."""
    return handoff.state in states and handoff.pending_end is None


def _has_unread(handoff: Handoff) -> bool:
    """Tell whether ServiceNow said something that no worker has come to."""
    said = Callback.objects.filter(bot=handoff.bot_id, group_id=handoff.group_id)
    return said.filter(state=Callback.State.STORED).exists()


def _end_unrouted(handoff: Handoff) -> None:
    reason, detail = Reason.DELIVERY_FAILED, NEVER_HEARD
    if handoff.heard_at is not None:
        reason, detail = Reason.NOT_ROUTED, NOT_QUEUED
    lifecycle.close(handoff, reason=reason, ended_by=EndedBy.SYSTEM, detail=detail)


def _end_long_waits() -> None:
    deadline = ExpressionWrapper(
        F("created_at") + F("bot__wait_timeout"), output_field=DateTimeField()
    )
    waiting = Handoff.objects.filter(
        state__in=[State.REQUESTED, State.QUEUED], pending_end_at=None
    )
    overdue = waiting.annotate(deadline=deadline).filter(deadline__lte=Now())
    for handoff_id in overdue.values_list("pk", flat=True)[:BATCH]:
        with transaction.atomic():
            handoff = lifecycle.lock(handoff_id)
            if _goes_on(handoff, State.REQUESTED, State.QUEUED):
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
    accepted = Handoff.objects.filter(state=State.ACCEPTED, pending_end_at=None)
    timed = accepted.annotate(last_word=last_word).annotate(ends_at=ends_at)
    return timed.filter(ends_at__lte=Now() + WARN_BEFORE).order_by("ends_at")


def _warn_or_end(handoff: Handoff) -> None:
    if not _goes_on(handoff, State.ACCEPTED):
        return
    last_word = handoff.messages.aggregate(at=Max("created_at"))["at"]
    idle_from = max(filter(None, [last_word, handoff.accepted_at]))
    ends_at = idle_from + handoff.bot.idle_timeout
    if now() >= ends_at:
        lifecycle.close(handoff, reason=Reason.IDLE_TIMEOUT, ended_by=EndedBy.SYSTEM)
    elif handoff.idle_warned_at is None or handoff.idle_warned_at < idle_from:
        handoff.idle_warned_at = now()
        handoff.save(update_fields=["idle_warned_at"])
        data = {"ends_at": events.timestamp(ends_at)}
        events.emit(handoff, "handoff.idle_warning", data)
