"""A file on its way between the user and the agent, held until it expires."""

import uuid

from django.db import models
from django.utils.timezone import now

from handoff.models.bot import Bot
from handoff.models.handoff import Handoff
from handoff.models.message import Message


class Attachment(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    bot = models.ForeignKey(Bot, models.CASCADE, related_name="attachments")
    # Null until a message refers to it.
    handoff = models.ForeignKey(
        Handoff, models.CASCADE, null=True, related_name="attachments"
    )
    message = models.ForeignKey(
        Message, models.CASCADE, null=True, related_name="attachments"
    )
    # The agent's name for it, or the user's: never a path here.
    file_name = models.CharField(max_length=255)
    # What its content is, whatever its name or its sender say.
    content_type = models.CharField(max_length=100, blank=True)
    size = models.PositiveIntegerField(default=0)
    # Where ServiceNow has it: a sys_id of sys_attachment, or an address.
    source = models.CharField(max_length=1_000, blank=True)
    # Why there is no content, if there never was any.
    error = models.CharField(max_length=300, blank=True)
    # When ServiceNow was told to fetch it from us, and when it did.
    offered_at = models.DateTimeField(null=True)
    fetched_at = models.DateTimeField(null=True)
    created_at = models.DateTimeField(default=now)
    # After this its content is deleted and its address answers 410.
    expires_at = models.DateTimeField()

    class Meta:
        ordering = ["created_at"]
        indexes = [
            models.Index(fields=["expires_at"], name="attachments_by_expiry"),
            models.Index(
                fields=["offered_at"],
                condition=models.Q(offered_at__isnull=False, fetched_at=None),
                name="attachments_to_be_fetched",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.file_name} ({self.size} bytes)"


class AttachmentPiece(models.Model):
    """A part of the content, small enough to be read and sent one at a time."""

    attachment = models.ForeignKey(Attachment, models.CASCADE, related_name="pieces")
    number = models.PositiveIntegerField()
    content = models.BinaryField()

    class Meta:
        ordering = ["number"]
        constraints = [
            models.UniqueConstraint(
                fields=["attachment", "number"], name="one_piece_per_number"
            )
        ]

    def __str__(self) -> str:
        return f"piece {self.number} of {self.attachment_id}"
