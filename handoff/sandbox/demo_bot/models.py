import secrets
import uuid
from typing import ClassVar

from django.db import models
from django.utils import timezone


class Role(models.TextChoices):
    USER = "user"
    BOT = "bot"
    AGENT = "agent"
    SYSTEM = "system"


class Delivery(models.TextChoices):
    """How far a user's message to the agent has come; empty when it stays here."""

    SENDING = "sending", "sending…"
    SENT = "sent", "Sent"
    DELIVERED = "delivered", "Delivered"
    FAILED = "failed", "Not delivered"


class State(models.TextChoices):
    REQUESTED = "requested"
    QUEUED = "queued"
    ACCEPTED = "accepted"
    ENDED = "ended"
    FAILED = "failed"


FINAL = (State.ENDED, State.FAILED)


class Kind(models.TextChoices):
    START = "start"
    # Of a file; the message that it belongs to follows.
    UPLOAD = "upload"
    MESSAGE = "message"
    END = "end"


def initials(name: str) -> str:
    """Return what stands for a name in its avatar: at most two letters."""
    words = name.split()
    return "".join(word[0] for word in words[:1] + words[1:][-1:]).upper()


class Setup(models.Model):
    """The one row of what the product's admin page gave us."""

    api_key = models.CharField(max_length=200)
    webhook_secret = models.CharField(max_length=200)

    objects: ClassVar[models.Manager["Setup"]]

    def __str__(self) -> str:
        return "setup"


class Conversation(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    # The id is shown to agents and operators; only this opens the chat.
    cookie = models.CharField(
        max_length=64, unique=True, default=secrets.token_urlsafe, editable=False
    )
    created_at = models.DateTimeField(default=timezone.now)

    objects: ClassVar[models.Manager["Conversation"]]

    def __str__(self) -> str:
        return str(self.id)

    def open_handoff(self) -> "Handoff | None":
        handoffs = Handoff.objects.filter(conversation=self)
        return handoffs.exclude(state__in=FINAL).first()


class Handoff(models.Model):
    """One handoff as the events told it; its id is what we call it at the product."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    conversation = models.ForeignKey(Conversation, models.CASCADE)
    remote_id = models.CharField(max_length=64, blank=True)
    state = models.CharField(max_length=10, choices=State, default=State.REQUESTED)
    last_sequence = models.PositiveBigIntegerField(default=0)
    agent_name = models.CharField(max_length=200, blank=True)
    agent_avatar_url = models.CharField(max_length=2000, blank=True)
    position = models.PositiveIntegerField(null=True)
    wait_text = models.CharField(max_length=200, blank=True)
    wait_seconds = models.PositiveIntegerField(null=True)
    typing_sequence = models.PositiveBigIntegerField(default=0)
    typing_name = models.CharField(max_length=200, blank=True)
    # Null while nobody types.
    typing_until = models.DateTimeField(null=True)
    end_asked = models.BooleanField(default=False)

    objects: ClassVar[models.Manager["Handoff"]]

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["conversation"],
                condition=~models.Q(state__in=FINAL),
                name="one_open_handoff_per_conversation",
            )
        ]

    def __str__(self) -> str:
        return str(self.id)

    @property
    def is_with_agent(self) -> bool:
        return self.state == State.ACCEPTED and not self.end_asked


class Message(models.Model):
    """One line of the chat, in the order in which it came to be known here."""

    conversation = models.ForeignKey(Conversation, models.CASCADE)
    handoff = models.ForeignKey(Handoff, models.CASCADE, null=True)
    key = models.CharField(max_length=80, default=uuid.uuid4)
    role = models.CharField(max_length=10, choices=Role)
    author = models.CharField(max_length=200, blank=True)
    avatar_url = models.CharField(max_length=2000, blank=True)
    text = models.TextField(blank=True)
    # As handoff.sandbox.demo_bot.extras reads them from an event.
    attachments = models.JSONField(default=list)
    links = models.JSONField(default=list)
    choices = models.JSONField(default=list)
    # The value of the choice that the user took.
    chosen = models.TextField(blank=True)
    delivery = models.CharField(max_length=10, choices=Delivery, blank=True)
    # Why it was not delivered.
    reason = models.CharField(max_length=1000, blank=True)
    # That of the event which brought it.
    sequence = models.PositiveBigIntegerField(null=True)
    created_at = models.DateTimeField(default=timezone.now)

    objects: ClassVar[models.Manager["Message"]]
    handoff_id: uuid.UUID | None

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["conversation", "key"], name="one_message_per_key"
            )
        ]

    def __str__(self) -> str:
        return self.key

    @property
    def initials(self) -> str:
        return initials(self.author)

    @property
    def words(self) -> str:
        """Return the text, or the names of the files that came without one."""
        file = self.own_file
        names = [file.name] if file else [it["name"] for it in self.attachments]
        return self.text or ", ".join(names)

    @property
    def own_file(self) -> "File | None":
        """Return the file that the user attached."""
        return getattr(self, "file", None)


class File(models.Model):
    """What the user attached, kept so that it can be uploaded again and shown."""

    message = models.OneToOneField(Message, models.CASCADE, related_name="file")
    name = models.CharField(max_length=255)
    content_type = models.CharField(max_length=200)
    size = models.PositiveIntegerField()
    content = models.BinaryField()

    objects: ClassVar[models.Manager["File"]]

    def __str__(self) -> str:
        return self.name


class Outgoing(models.Model):
    """A call that the product has not answered yet; once made its body never changes.

    The product recognises a repeat by its id and refuses another body under it.
    """

    handoff = models.ForeignKey(Handoff, models.CASCADE)
    message = models.ForeignKey(Message, models.CASCADE, null=True)
    kind = models.CharField(max_length=10, choices=Kind)
    body = models.JSONField()
    attempts = models.PositiveIntegerField(default=0)
    due_at = models.DateTimeField(default=timezone.now)

    objects: ClassVar[models.Manager["Outgoing"]]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"


class Event(models.Model):
    """A webhook as it came; the unique id is what makes a repeat harmless."""

    webhook_id = models.CharField(max_length=200, unique=True)
    handoff = models.ForeignKey(Handoff, models.CASCADE, null=True)
    type = models.CharField(max_length=80)
    sequence = models.PositiveBigIntegerField(null=True)
    payload = models.JSONField()
    received_at = models.DateTimeField(default=timezone.now)

    objects: ClassVar[models.Manager["Event"]]

    def __str__(self) -> str:
        return f"{self.type} {self.webhook_id}"
