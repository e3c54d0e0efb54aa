"""A lane: what goes out for one handoff in one direction, in order. And its items."""

import uuid
from datetime import datetime
from typing import ClassVar

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.timezone import now

from handoff.models.attachment import Attachment
from handoff.models.bot import Bot
from handoff.models.handoff import Handoff
from handoff.models.message import Message


class Direction(models.TextChoices):
    TO_SERVICENOW = "to_servicenow", "To ServiceNow"
    TO_BOT = "to_bot", "To the bot"


class ItemState(models.TextChoices):
    PENDING = "pending", "Pending"
    # An intent is recorded; once the outcome is unknown the item is ambiguous.
    SENDING = "sending", "Sending"
    SENT = "sent", "Sent"
    FAILED = "failed", "Failed"


UNSETTLED = (ItemState.PENDING, ItemState.SENDING)
# Annotates an item with the moment of the read.
SEEN = {"seen_at": Now()}
# Annotates an item with what ServiceNow's side allows at that moment.
DOOR = {
    f"door_{name}": F(f"lane__bot__connection__runtime__{name}")
    for name in ("state", "paused_until", "failures")
}


class Lane(models.Model):
    bot = models.ForeignKey(Bot, models.CASCADE, related_name="lanes")
    # Null for the lane of events that belong to no handoff.
    handoff = models.ForeignKey(
        Handoff, models.CASCADE, null=True, related_name="lanes"
    )
    direction = models.CharField(max_length=15, choices=Direction)
    next_sequence = models.BigIntegerField(default=1)
    fence = models.BigIntegerField(default=0)
    lease_until = models.DateTimeField(null=True)
    # Due from then on; never null while an item is unsettled.
    wake_at = models.DateTimeField(null=True)
    stalled_reason = models.CharField(max_length=300, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["handoff", "direction"], name="one_lane_per_direction"
            ),
            models.UniqueConstraint(
                fields=["bot"],
                condition=Q(handoff=None),
                name="one_lane_for_a_bots_own_events",
            ),
        ]
        indexes = [
            models.Index(
                fields=["wake_at"],
                condition=Q(wake_at__isnull=False),
                name="lanes_to_wake",
            ),
            models.Index(
                fields=["bot", "direction", "wake_at"],
                condition=Q(wake_at__isnull=False),
                name="lanes_of_a_bot_to_wake",
            ),
        ]

    def __str__(self) -> str:
        return f"lane {self.pk} {self.direction}"


class Item(models.Model):
    """One step in a lane."""

    lane = models.ForeignKey(Lane, models.CASCADE, related_name="+")
    sequence = models.BigIntegerField()
    state = models.CharField(
        max_length=10, choices=ItemState, default=ItemState.PENDING
    )
    attempts = models.PositiveIntegerField(default=0)
    # Begun to see what became of it, and not come back from.
    looks = models.PositiveSmallIntegerField(default=0)
    first_attempt_at = models.DateTimeField(null=True)
    attempt_started_at = models.DateTimeField(null=True)
    settled_at = models.DateTimeField(null=True)
    last_error = models.CharField(max_length=300, blank=True)
    created_at = models.DateTimeField(default=now)

    # By the database's clock, where it was read with SEEN.
    seen_at: datetime
    # What changes when it is settled.
    SETTLED: ClassVar = ["state", "last_error", "settled_at"]

    class Meta:
        abstract = True


class OutgoingQuerySet(models.QuerySet["Outgoing"]):
    def give_up(self, *, error: str) -> None:
        self.update(state=ItemState.FAILED, last_error=error[:300], settled_at=now())


class Outgoing(Item):
    """An item to ServiceNow; a long message is several parts, and each file is one."""

    class Kind(models.TextChoices):
        START = "start", "Start"
        MESSAGE = "message", "Message"
        END = "end", "End"
        TICKET = "ticket", "Incident"

    kind = models.CharField(max_length=10, choices=Kind)
    message = models.ForeignKey(
        Message, models.CASCADE, null=True, related_name="parts"
    )
    part = models.PositiveIntegerField(default=0)
    text = models.TextField(blank=True)
    # No part of its message comes after it.
    is_last_part = models.BooleanField(default=True)
    attachment = models.ForeignKey(
        Attachment, models.CASCADE, null=True, related_name="+"
    )
    # Its message arrived with it, and the bot has yet to be told.
    is_untold = models.BooleanField(default=False)
    sys_id = models.CharField(max_length=32, blank=True)
    # What is done of it, where a send takes several calls.
    progress = models.JSONField(default=dict)
    # The number of an attempt whose work over there is over, whatever came of it.
    over_attempt = models.PositiveIntegerField(null=True)
    # sys_ids under which it stands there once more.
    duplicates = models.JSONField(default=list)

    SETTLED: ClassVar = [*Item.SETTLED, "sys_id", "is_untold"]
    # What holds all that goes there, where it was read with DOOR.
    door_state: str
    door_paused_until: datetime | None
    door_failures: int

    objects = OutgoingQuerySet.as_manager()

    class Meta:
        ordering = ["lane", "sequence"]
        constraints = [
            models.UniqueConstraint(
                fields=["lane", "sequence"], name="one_outgoing_per_sequence"
            ),
            models.CheckConstraint(
                condition=Q(state__in=ItemState.values), name="outgoing_state_is_known"
            ),
        ]
        indexes = [
            models.Index(
                fields=["lane", "sequence"],
                condition=Q(state__in=UNSETTLED),
                name="unsettled_outgoing",
            ),
            models.Index(
                fields=["lane", "sequence"],
                condition=Q(is_untold=True),
                name="untold_outgoing",
            ),
            models.Index(
                fields=["sys_id"], condition=~Q(sys_id=""), name="outgoing_by_sys_id"
            ),
            models.Index(
                fields=["settled_at"],
                condition=Q(kind="ticket"),
                name="tickets_by_outcome",
            ),
            models.Index(
                fields=["lane"], condition=~Q(duplicates=[]), name="doubled_outgoing"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.lane_id}/{self.sequence}"

    @property
    def choice_value(self) -> str:
        return self.message.choice_value if self.message else ""

    @property
    def completes_message(self) -> bool:
        """Whether its message has arrived now that the item is sent."""
        if self.message is None or not self.is_last_part:
            return False
        # Files come after the text, and may have to be fetched before they are there.
        return self.attachment is None or self.message.has_arrived

    @property
    def is_ambiguous(self) -> bool:
        """Sent perhaps: an attempt was made and its outcome is not known."""
        return self.state == ItemState.SENDING and bool(self.last_error)


class Event(Item):
    """What the bot is told: by webhook, and in the feed."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    bot = models.ForeignKey(Bot, models.CASCADE, related_name="events")
    handoff = models.ForeignKey(
        Handoff, models.CASCADE, null=True, related_name="events"
    )
    # What a `message.created` tells of.
    message = models.ForeignKey(
        Message, models.CASCADE, null=True, related_name="events"
    )
    type = models.CharField(max_length=40)
    feed_sequence = models.BigIntegerField()
    # The envelope as the bot gets it, fixed when the event came to be.
    payload = models.JSONField()

    class Meta:
        ordering = ["bot", "feed_sequence"]
        constraints = [
            models.UniqueConstraint(
                fields=["lane", "sequence"], name="one_event_per_sequence"
            ),
            models.UniqueConstraint(
                fields=["bot", "feed_sequence"], name="one_event_per_feed_sequence"
            ),
            models.UniqueConstraint(
                fields=["handoff"],
                condition=Q(type__in=["handoff.ended", "handoff.failed"]),
                name="one_final_event_per_handoff",
            ),
            models.CheckConstraint(
                condition=Q(state__in=ItemState.values), name="event_state_is_known"
            ),
        ]
        indexes = [
            models.Index(
                fields=["lane", "sequence"],
                condition=Q(state__in=UNSETTLED),
                name="unsettled_events",
            )
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.feed_sequence}"


class Attempt(models.Model):
    """One line of the log that answers "why did this message not arrive?"."""

    lane = models.ForeignKey(Lane, models.CASCADE, related_name="attempt_log")
    sequence = models.BigIntegerField()
    number = models.PositiveIntegerField()
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField(default=now)
    outcome = models.CharField(max_length=20)
    detail = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ["-pk"]
        indexes = [
            models.Index(fields=["lane", "sequence"], name="attempts_of_an_item")
        ]

    def __str__(self) -> str:
        return f"{self.outcome} {self.lane_id}/{self.sequence}"
