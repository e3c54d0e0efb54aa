import uuid
from datetime import datetime

from django.conf import settings
from django.contrib.auth.models import Group
from django.db import models
from django.db.models import Q
from django.utils import timezone

from servicenow_auth.fields import SealedField


class AuthorizationType(models.TextChoices):
    BASIC = "basic", "Basic Auth"
    OAUTH = "oauth", "OAuth with Refresh Token"


class State(models.TextChoices):
    NOT_AUTHORIZED = "not_authorized", "Not authorized"
    READY = "ready", "Ready"
    NEEDS_REAUTHORIZATION = "needs_reauthorization", "Needs re-authorization"


class Connection(models.Model):
    """The host URL of a ServiceNow instance and the credentials to act there."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner_group = models.ForeignKey(
        Group, models.PROTECT, null=True, blank=True, related_name="+"
    )
    host_url = models.CharField("Host URL", max_length=255, blank=True)
    authorization_type = models.CharField(
        max_length=5, choices=AuthorizationType, default=AuthorizationType.BASIC
    )
    user_name = models.CharField(max_length=255, blank=True)
    password = SealedField()
    client_id = models.CharField("Client ID", max_length=255, blank=True)
    client_secret = SealedField()
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(authorization_type__in=AuthorizationType.values),
                name="authorization_type_is_known",
            )
        ]

    def __str__(self) -> str:
        return self.host_url or "no host yet"


class ConnectionRuntime(models.Model):
    """What changes by itself; a row of its own, so no late form writes it back."""

    connection = models.OneToOneField(
        Connection, models.CASCADE, primary_key=True, related_name="runtime"
    )
    access_token = SealedField()
    access_issued_at = models.DateTimeField(null=True)
    access_expires_at = models.DateTimeField(null=True)
    # ServiceNow answers a refresh within a token's life with the same token again.
    access_repeated_at = models.DateTimeField(null=True)
    refresh_token = SealedField()
    previous_refresh_token = SealedField()
    refresh_issued_at = models.DateTimeField(null=True)
    refresh_expires_at = models.DateTimeField(null=True)

    version = models.BigIntegerField(default=0)
    refresh_fence = models.BigIntegerField(default=0)
    refresh_lease_until = models.DateTimeField(null=True)

    state = models.CharField(max_length=21, choices=State, default=State.NOT_AUTHORIZED)
    state_since = models.DateTimeField(default=timezone.now)
    detail = models.CharField(max_length=300, blank=True)
    refusals = models.PositiveSmallIntegerField(default=0)

    user_sys_id = models.CharField(max_length=32, blank=True)
    user_name = models.CharField(max_length=255, blank=True)
    user_checked_at = models.DateTimeField(null=True)
    # Seconds that the instance's clock is ahead of ours.
    clock_offset = models.FloatField(null=True)

    paused_until = models.DateTimeField(null=True)
    pause_reason = models.CharField(max_length=300, blank=True)
    # Calls in a row that did not get through.
    failures = models.PositiveIntegerField(default=0)
    failing_since = models.DateTimeField(null=True)
    # At the same time, since the last 429; null: as many as the settings say.
    calls_allowed = models.PositiveSmallIntegerField(null=True)
    calls_changed_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=State.values),
                name="authorization_state_is_known",
            )
        ]

    def __str__(self) -> str:
        return self.get_state_display()

    @property
    def is_troubled(self) -> bool:
        """Tell whether a call that goes well has something to set right."""
        narrowed = self.calls_allowed is not None
        return bool(self.detail or self.refusals or self.failures or narrowed)

    @property
    def pause_ends_at(self) -> datetime | None:
        """Return when the pause that holds now is over, or None."""
        ends_at = self.paused_until
        return ends_at if ends_at and ends_at > timezone.now() else None


class AuthorizationAttempt(models.Model):
    """One click on Authorize: good once, for ten minutes, in one browser."""

    state_hash = models.CharField(max_length=64, primary_key=True)
    connection = models.ForeignKey(Connection, models.CASCADE, related_name="attempts")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    session_hash = models.CharField(max_length=64)
    verifier = SealedField()
    redirect_uri = models.CharField(max_length=500)
    host_url = models.CharField(max_length=255)
    return_to = models.CharField(max_length=500)
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(db_index=True)
    used_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"{self.host_url}, {self.created_at:%Y-%m-%d %H:%M}"
