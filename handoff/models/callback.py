"""What ServiceNow told us, kept before anything of it is believed."""

from django.db import models
from django.db.models import Q
from django.utils.timezone import now

from handoff.models.bot import Bot

# `authenticated_by` of what a rule that cannot sign may have sent, or anybody else.
UNPROVEN = "existing_rule"


class Callback(models.Model):
    class State(models.TextChoices):
        STORED = "stored", "Stored"
        RELAYED = "relayed", "Relayed"
        # Not for the bot, or about nothing that we know: `note` says why.
        IGNORED = "ignored", "Ignored"
        BROKEN = "broken", "Broken"

    bot = models.ForeignKey(Bot, models.CASCADE, related_name="callbacks")
    # `webhook-id` of a signed call; repeats of it are stored once.
    delivery_id = models.CharField(max_length=200, null=True)  # noqa: DJ001 - unique where given
    group_id = models.CharField("conversation there", max_length=32, blank=True)
    authenticated_by = models.CharField(max_length=20)
    # UNTRUSTED: as it came, bytes that are no UTF-8 replaced.
    body = models.TextField()
    state = models.CharField(max_length=10, choices=State, default=State.STORED)
    note = models.CharField(max_length=300, blank=True)
    received_at = models.DateTimeField(default=now)
    processed_at = models.DateTimeField(null=True)
    # How often it was begun since somebody last got through with it.
    attempts = models.PositiveSmallIntegerField(default=0)
    attempted_at = models.DateTimeField(null=True)
    # One worker fetches its files until then; after that it is taken for dead.
    fetched_until = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.UniqueConstraint(
                fields=["bot", "delivery_id"], name="one_callback_per_delivery_id"
            )
        ]
        indexes = [
            models.Index(
                fields=["bot", "group_id", "id"],
                condition=Q(state="stored"),
                name="callbacks_to_process",
            )
        ]

    def __str__(self) -> str:
        return f"callback {self.pk} ({self.state})"
