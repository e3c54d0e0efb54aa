"""One episode with a live agent, from request to end."""

import uuid
from typing import Self

from django.db import models
from django.db.models import Q
from django.utils.timezone import now

from handoff.models.bot import Bot


class State(models.TextChoices):
    REQUESTED = "requested", "Requested"
    QUEUED = "queued", "Queued"
    ACCEPTED = "accepted", "With an agent"
    ENDED = "ended", "Ended"
    FAILED = "failed", "Failed"


OPEN_STATES = (State.REQUESTED, State.QUEUED, State.ACCEPTED)
FINAL_STATES = (State.ENDED, State.FAILED)


class EndedBy(models.TextChoices):
    USER = "user", "User"
    AGENT = "agent", "Agent"
    BOT = "bot", "Bot"
    SYSTEM = "system", "System"


class Reason(models.TextChoices):
    COMPLETED = "completed", "Completed"
    USER_LEFT = "user_left", "The user left"
    BOT_ENDED = "bot_ended", "The bot ended it"
    IDLE_TIMEOUT = "idle_timeout", "Nobody wrote for too long"
    CONVERSATION_GONE = "conversation_gone", "ServiceNow closed the conversation"
    NO_AGENT_AVAILABLE = "no_agent_available", "No agent available"
    QUEUE_CLOSED = "queue_closed", "The queue is closed"
    OUTSIDE_BUSINESS_HOURS = "outside_business_hours", "Outside business hours"
    WAIT_TIMEOUT = "wait_timeout", "Nobody accepted in time"
    REJECTED = "rejected", "ServiceNow or the agent refused it"
    AUTHORIZATION_REQUIRED = "authorization_required", "Needs re-authorization"
    UNREACHABLE = "unreachable", "ServiceNow could not be reached"
    NOT_ROUTED = "not_routed", "It reached no queue"
    DELIVERY_FAILED = "delivery_failed", "The request could not be delivered"
    FAULTED = "faulted", "ServiceNow reported a fault"


class HandoffQuerySet(models.QuerySet["Handoff"]):
    def open(self) -> Self:
        return self.filter(state__in=OPEN_STATES)


class Handoff(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    bot = models.ForeignKey(Bot, models.PROTECT, related_name="handoffs")
    request_id = models.CharField(max_length=200, null=True)  # noqa: DJ001 - unique where given
    body_hash = models.CharField(max_length=64)
    conversation_id = models.CharField(max_length=200)

    state = models.CharField(max_length=10, choices=State, default=State.REQUESTED)
    reason = models.CharField(max_length=30, choices=Reason, blank=True)
    ended_by = models.CharField(max_length=10, choices=EndedBy, blank=True)

    user = models.JSONField(default=dict, blank=True)
    channel = models.CharField(max_length=50, blank=True)
    language = models.CharField(max_length=35, blank=True)
    skills = models.JSONField(default=list, blank=True)
    context = models.JSONField(default=dict, blank=True)
    metadata = models.JSONField(default=dict, blank=True)

    # What ServiceNow calls it; Agent Chat lets us name it: `group_id` is our own then.
    queue_id = models.CharField(max_length=100, blank=True)
    group_id = models.CharField("conversation there", max_length=32, blank=True)
    entry_id = models.CharField(max_length=32, blank=True)
    number = models.CharField(max_length=40, blank=True)
    position = models.PositiveIntegerField(null=True)
    wait_seconds = models.PositiveIntegerField(null=True)
    wait_text = models.CharField(max_length=200, blank=True)
    agent_id = models.CharField(max_length=32, blank=True)
    agent_name = models.CharField(max_length=200, blank=True)
    agent_avatar_url = models.CharField(max_length=500, blank=True)

    created_at = models.DateTimeField(default=now)
    queued_at = models.DateTimeField(null=True)
    accepted_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    # When ServiceNow first called back about it.
    heard_at = models.DateTimeField(null=True)
    # The newest of our items that a callback named: those before it arrived too.
    heard_sequence = models.BigIntegerField(default=0)
    idle_warned_at = models.DateTimeField(null=True)
    # Due for a look at ServiceNow; null when nothing is left to be seen there.
    poll_at = models.DateTimeField(null=True)
    # Begun one after the other, from which nobody came back.
    looks = models.PositiveSmallIntegerField(default=0)
    # Something was said that we could not read; the next look reads the messages.
    must_read = models.BooleanField(default=False)
    # The messages can't be had, so nothing waits for a read of them.
    is_unreadable = models.BooleanField(default=False)
    # An end that ServiceNow showed us, not yet announced: {reason, ended_by}.
    pending_end = models.JSONField(null=True)
    pending_end_at = models.DateTimeField(null=True)
    # What the final event tells, which waits for the ticket, and until when it does.
    final_data = models.JSONField(null=True)
    final_due_at = models.DateTimeField(null=True)
    # The incident for what no agent took: {number, sys_id, url}.
    ticket = models.JSONField(null=True)

    objects = HandoffQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]
        constraints = [
            models.UniqueConstraint(
                fields=["bot", "conversation_id"],
                condition=Q(state__in=OPEN_STATES),
                name="one_open_handoff_per_conversation",
            ),
            models.UniqueConstraint(
                fields=["bot", "request_id"], name="one_handoff_per_request_id"
            ),
            # Of two starts of unknown outcome one takes what was opened.
            models.UniqueConstraint(
                fields=["bot", "group_id"],
                condition=~Q(group_id=""),
                name="one_handoff_per_conversation_there",
            ),
            models.CheckConstraint(
                condition=Q(state__in=FINAL_STATES, ended_at__isnull=False)
                | Q(state__in=OPEN_STATES, ended_at=None),
                name="ended_at_is_set_exactly_when_final",
            ),
            models.CheckConstraint(
                condition=Q(state__in=FINAL_STATES) ^ Q(reason=""),
                name="reason_is_set_exactly_when_final",
            ),
        ]
        indexes = [
            models.Index(
                fields=["poll_at"],
                condition=Q(poll_at__isnull=False),
                name="handoffs_due_for_a_poll",
            ),
            models.Index(
                fields=["final_due_at"],
                condition=Q(final_due_at__isnull=False),
                name="final_events_that_wait",
            ),
            models.Index(
                fields=["bot", "-created_at"],
                condition=Q(ticket__isnull=False),
                name="handoffs_with_a_ticket",
            ),
            models.Index(fields=["bot", "-created_at"], name="handoffs_of_a_bot"),
            models.Index(fields=["-created_at"], name="handoffs_newest_first"),
            models.Index(
                fields=["bot", "conversation_id", "-created_at"],
                name="handoffs_of_a_conversation",
            ),
        ]

    def __str__(self) -> str:
        return f"Conversation {self.conversation_id} ({self.state})"

    @property
    def is_final(self) -> bool:
        return self.state in FINAL_STATES

    @property
    def agent(self) -> dict[str, str | None] | None:
        if not self.agent_name:
            return None
        return {"name": self.agent_name, "avatar_url": self.agent_avatar_url or None}
