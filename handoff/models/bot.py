"""A bot, its configuration, and the keys and secrets it is known by."""

import base64
import hashlib
import secrets
import uuid
from datetime import datetime, timedelta
from typing import Self

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, Group
from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.timezone import now

from servicenow_auth.fields import SealedField, Secret
from servicenow_auth.models import Connection


class ChatSystem(models.TextChoices):
    CONNECT_SUPPORT = "connect_support", "Connect Support (Tokyo and lower)"
    AGENT_CHAT = "agent_chat", "Agent Chat (Utah and higher)"


class CallbackAuthentication(models.TextChoices):
    SIGNATURE = "signature", "Signed (recommended)"
    HEADER = "header", "Static header"
    BASIC = "basic", "Basic Auth"
    URL = "url", "Secret in the Callback URL"


class WithoutAgent(models.TextChoices):
    """What follows when nobody takes a handoff."""

    BOT = "bot", "Back to the bot"
    INCIDENT = "incident", "Create an incident"


# The types that Connect Support and Agent Chat both are known to show.
ATTACHMENT_TYPES = (
    "image/png",
    "image/jpeg",
    "image/gif",
    "image/webp",
    "application/pdf",
    "text/plain",
)


class BotQuerySet(models.QuerySet["Bot"]):
    def visible_to(self, user: AbstractBaseUser | AnonymousUser) -> Self:
        """Return the bots of the user's groups; an operator sees all of them."""
        if not user.is_active:
            return self.none()
        if getattr(user, "is_superuser", False):
            return self
        return self.filter(owner_group__in=Group.objects.filter(user=user.pk))


def default_attachment_types() -> list[str]:
    return list(ATTACHMENT_TYPES)


def new_callback_id() -> str:
    return secrets.token_hex(20)


class Bot(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    name = models.CharField(max_length=100)
    slug = models.SlugField(unique=True, help_text="Short name for commands and logs.")
    owner_group = models.ForeignKey(
        Group,
        models.PROTECT,
        null=True,
        blank=True,
        help_text="Members of this group see and configure the bot.",
    )
    enabled = models.BooleanField("Enable", default=False)
    chat_system = models.CharField(
        max_length=20, choices=ChatSystem, default=ChatSystem.CONNECT_SUPPORT
    )
    connection = models.OneToOneField(Connection, models.PROTECT, related_name="bot")
    # A sys_id; for Agent Chat whatever the queues' conditions compare.
    queue_id = models.CharField("Queue ID", max_length=100, blank=True)

    callback_id = models.CharField(
        max_length=40, unique=True, default=new_callback_id, editable=False
    )
    callback_authentication = models.CharField(
        max_length=10,
        choices=CallbackAuthentication,
        default=CallbackAuthentication.SIGNATURE,
    )
    accept_existing_rules = models.BooleanField(
        default=False,
        help_text="Accept unsigned calls with Kore.ai's five keys from rules that are "
        "already installed. Each is taken for a hint to read the conversation.",
    )

    webhook_url = models.CharField("Webhook URL", max_length=500, blank=True)
    texts = models.JSONField(
        default=dict,
        blank=True,
        help_text="Event type → language → text. A missing one says nothing.",
    )
    wait_timeout = models.DurationField(default=timedelta(minutes=30))
    without_agent = models.CharField(
        max_length=10, choices=WithoutAgent, default=WithoutAgent.BOT
    )
    # A sys_id, for the incident.
    assignment_group = models.CharField(max_length=32, blank=True)
    idle_timeout = models.DurationField(default=timedelta(minutes=30))
    handoffs_per_hour = models.PositiveSmallIntegerField(
        "Handoffs per conversation and hour", default=5
    )
    send_transcript = models.BooleanField("Transcript to the agent", default=True)
    max_attachments = models.PositiveSmallIntegerField("Files per message", default=5)
    max_attachment_megabytes = models.PositiveSmallIntegerField(
        "Megabytes per file", default=10
    )
    attachment_types = models.JSONField(
        "Types of files", default=default_attachment_types
    )
    created_at = models.DateTimeField(default=now, editable=False)

    objects = BotQuerySet.as_manager()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    @property
    def callback_url(self) -> str:
        path = reverse("callback", args=[self.callback_id])
        return f"{settings.PUBLIC_URL}{path}"

    def text_for(self, event_type: str, *, language: str) -> str | None:
        """Return the configured text: exact language, base language, default."""
        texts = self.texts.get(event_type) or {}
        for key in (language, language.split("-", maxsplit=1)[0], "default"):
            if texts.get(key):
                return str(texts[key])
        return None


class BotRuntime(models.Model):
    """What changes while the bot runs, apart from what a form may write back."""

    bot = models.OneToOneField(
        Bot, models.CASCADE, primary_key=True, related_name="runtime"
    )
    feed_sequence = models.BigIntegerField(default=0)
    webhook_paused_until = models.DateTimeField(null=True)
    webhook_failures = models.PositiveIntegerField(default=0)
    webhook_error = models.CharField(max_length=300, blank=True)
    webhook_disabled_at = models.DateTimeField(null=True)
    # Due for a read of all open handoffs; null while nothing is open.
    reconcile_at = models.DateTimeField(null=True)
    # Such reads begun one after the other, from which nobody came back.
    reads = models.PositiveSmallIntegerField(default=0)
    # By ServiceNow's clock; what was written before it has been read and taken in.
    reconcile_from = models.DateTimeField(null=True)
    # Since then every read found what callbacks had told, and nothing else.
    callbacks_work_since = models.DateTimeField(null=True)
    # When a read last found what no callback had told.
    recovered_at = models.DateTimeField(null=True)
    reading_error = models.CharField(max_length=300, blank=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["reconcile_at"],
                condition=Q(reconcile_at__isnull=False),
                name="bots_to_reconcile",
            )
        ]

    def __str__(self) -> str:
        return f"runtime of {self.bot_id}"

    @property
    def webhook_pause_ends_at(self) -> datetime | None:
        """Return when the pause that holds now is over, or None."""
        ends_at = self.webhook_paused_until
        return ends_at if ends_at and ends_at > now() else None


class SigningSecretQuerySet(models.QuerySet["SigningSecret"]):
    def valid(self) -> Self:
        return self.filter(Q(expires_at=None) | Q(expires_at__gt=now()))

    def reveal(self, purpose: str) -> list[str]:
        """Return the values that are valid now, newest first."""
        rows = self.valid().filter(purpose=purpose)
        return [row.value.reveal() for row in rows if row.value is not None]


class SigningSecret(models.Model):
    """A Standard Webhooks secret; after a rotation two are valid for a while."""

    class Purpose(models.TextChoices):
        CALLBACK = "callback", "Callback: ServiceNow signs, we verify"
        WEBHOOK = "webhook", "Webhook: we sign, the bot verifies"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    bot = models.ForeignKey(Bot, models.CASCADE, related_name="signing_secrets")
    purpose = models.CharField(max_length=10, choices=Purpose)
    value = SealedField()
    created_at = models.DateTimeField(default=now)
    expires_at = models.DateTimeField(null=True)

    objects = SigningSecretQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.purpose} secret of {self.bot_id}"

    @staticmethod
    def generate() -> Secret:
        key = base64.b64encode(secrets.token_bytes(32)).decode()
        return Secret(f"whsec_{key}")


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    def by_value(self, value: str) -> Self:
        """Return the usable key with this value, found by its hash."""
        digest = ApiKey.digest_of(value)
        return self.filter(digest=digest, revoked_at=None)


class ApiKey(models.Model):
    """A bot's bearer key: 256 random bits, so that a plain hash of it is enough."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    bot = models.ForeignKey(Bot, models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=100, blank=True)
    prefix = models.CharField(max_length=12)
    digest = models.CharField(max_length=64, unique=True)
    created_at = models.DateTimeField(default=now)
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = ApiKeyQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"{self.prefix}…"

    @staticmethod
    def digest_of(value: str) -> str:
        return hashlib.sha256(value.encode()).hexdigest()
