"""What user, bot, agent or system said."""

import uuid
from functools import cached_property
from typing import TYPE_CHECKING

from django.db import models
from django.db.models import Q
from django.utils.timezone import now

from handoff.models.handoff import Handoff

if TYPE_CHECKING:  # it stands in a module above this one
    from handoff.models.attachment import Attachment


class Role(models.TextChoices):
    USER = "user", "User"
    BOT = "bot", "Bot"
    AGENT = "agent", "Agent"
    SYSTEM = "system", "System"


class Receipt(models.TextChoices):
    """What the agent is shown of how a message of his reached the bot."""

    DUE = "due", "Due"
    DELIVERED = "delivered", "Delivered"
    FAILED = "failed", "Failed"
    # ServiceNow takes none.
    REFUSED = "refused", "Refused"


# As in ItemState, which stands in a module above this one.
WORST_FIRST = ("failed", "sending", "pending", "sent")


class Message(models.Model):
    # Rows of one handoff are inserted under its lock, so this counts in commit order.
    number = models.BigAutoField(primary_key=True)
    id = models.UUIDField(unique=True, default=uuid.uuid4, editable=False)
    handoff = models.ForeignKey(Handoff, models.CASCADE, related_name="messages")
    role = models.CharField(max_length=10, choices=Role)
    # The bot's own id; null for what ServiceNow wrote.
    client_id = models.CharField(max_length=200, null=True)  # noqa: DJ001 - unique where given
    body_hash = models.CharField(max_length=64, blank=True)
    # live_message.sys_id; empty for what we wrote.
    sys_id = models.CharField(max_length=32, blank=True)
    # Said to the bot before the handoff: part of the transcript, not of the relay.
    before_handoff = models.BooleanField(default=False)
    text = models.TextField(blank=True)
    # The value of the choice that the user made, where the agent's side offered some.
    choice_value = models.CharField(max_length=1_000, blank=True)
    html = models.TextField(blank=True)
    # [{url, label}] and [{label, value}], as the bot is told of them.
    links = models.JSONField(default=list)
    choices = models.JSONField(default=list)
    sender_name = models.CharField(max_length=200, blank=True)
    sender_avatar_url = models.CharField(max_length=500, blank=True)
    sent_at = models.DateTimeField(null=True)
    recovered = models.BooleanField(default=False)
    # Empty where the chat system shows none.
    receipt = models.CharField(max_length=10, choices=Receipt, blank=True)
    created_at = models.DateTimeField(default=now)

    class Meta:
        ordering = ["handoff", "number"]
        constraints = [
            models.UniqueConstraint(
                fields=["handoff", "client_id"], name="one_message_per_client_id"
            ),
            models.UniqueConstraint(
                fields=["handoff", "sys_id"],
                condition=~Q(sys_id=""),
                name="one_message_per_sys_id",
            ),
        ]
        indexes = [
            models.Index(
                fields=["created_at"],
                condition=Q(receipt="due"),
                name="receipts_to_send",
            )
        ]

    def __str__(self) -> str:
        return f"{self.role} {self.number}"

    # Cached, and set by whoever has just stored a message: nothing is read again then.
    @cached_property
    def files(self) -> "list[Attachment]":
        return list(self.attachments.all())

    @cached_property
    def delivery(self) -> str:
        """Return the worst state of its parts, or "received" where it has none."""
        states = {part.state for part in self.parts.all()}
        return next((state for state in WORST_FIRST if state in states), "received")

    @property
    def has_arrived(self) -> bool:
        """Whether every part was sent, and every file fetched that was to be."""
        unsent = self.parts.exclude(state="sent")
        unfetched = self.attachments.filter(offered_at__isnull=False, fetched_at=None)
        return not unsent.exists() and not unfetched.exists()
