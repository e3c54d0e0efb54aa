"""What the instance stores: one generic table of rows, and its own book-keeping."""

from typing import ClassVar

from django.db import models


class Row(models.Model):
    """A record of any ServiceNow table: every value is a string, as over there."""

    table = models.CharField(max_length=80)
    sys_id = models.CharField(max_length=32, unique=True)
    created_ms = models.BigIntegerField()
    data = models.JSONField(default=dict)

    objects: ClassVar[models.Manager["Row"]]

    class Meta:
        ordering = ["pk"]
        indexes = [models.Index(fields=["table", "id"], name="rows_of_a_table")]

    def __str__(self) -> str:
        return f"{self.table} {self.sys_id}"

    def value(self, column: str) -> str:
        return str(self.data.get(column, ""))


class AuthorizationCode(models.Model):
    value = models.CharField(max_length=100, unique=True)
    client = models.ForeignKey(Row, models.CASCADE, related_name="+")
    user = models.ForeignKey(Row, models.CASCADE, related_name="+")
    redirect_uri = models.TextField()
    challenge = models.CharField(max_length=128, blank=True)
    expires_at = models.DateTimeField()

    objects: ClassVar[models.Manager["AuthorizationCode"]]

    def __str__(self) -> str:
        return f"code {self.pk}"


class TokenKind(models.TextChoices):
    ACCESS = "access"
    REFRESH = "refresh"


class Token(models.Model):
    kind = models.CharField(max_length=10, choices=TokenKind)
    value = models.CharField(max_length=100, unique=True)
    client = models.ForeignKey(Row, models.CASCADE, related_name="+")
    user = models.ForeignKey(Row, models.CASCADE, related_name="+")
    expires_at = models.DateTimeField()

    objects: ClassVar[models.Manager["Token"]]

    def __str__(self) -> str:
        return f"{self.kind} token {self.pk}"


class Job(models.Model):
    """An async business rule that has yet to run for a record."""

    rule = models.ForeignKey(Row, models.CASCADE, related_name="+")
    document = models.ForeignKey(Row, models.CASCADE, related_name="+")
    user_name = models.CharField(max_length=100)

    objects: ClassVar[models.Manager["Job"]]

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"job {self.pk}"


class Content(models.Model):
    """The bytes of an attachment."""

    attachment = models.OneToOneField(Row, models.CASCADE, related_name="content")
    data = models.BinaryField()

    objects: ClassVar[models.Manager["Content"]]

    def __str__(self) -> str:
        return f"content {self.pk}"


class BotRequest(models.Model):
    """A request to the Virtual Agent API that is acknowledged and not yet handled."""

    # Byte for byte as it came: a signature is over that.
    raw = models.BinaryField()
    token = models.TextField(blank=True)
    signature = models.TextField(blank=True)

    objects: ClassVar[models.Manager["BotRequest"]]

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"bot request {self.pk}"


class Post(models.Model):
    """An envelope that has yet to go to the bot's endpoint."""

    interaction = models.ForeignKey(Row, models.CASCADE, related_name="+")
    body = models.JSONField()

    objects: ClassVar[models.Manager["Post"]]

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"post {self.pk}"


class Call(models.Model):
    """One request to the API or the token endpoint, without what it carried."""

    at = models.DateTimeField(auto_now_add=True)
    method = models.CharField(max_length=10)
    path = models.TextField()
    status = models.IntegerField()
    milliseconds = models.IntegerField()
    user_name = models.CharField(max_length=100, blank=True)
    fault = models.CharField(max_length=50, blank=True)

    objects: ClassVar[models.Manager["Call"]]

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.method} {self.path} {self.status}"


class Strike(models.Model):
    """A fault that has struck a call or a callback, under the name of its switch."""

    fault = models.CharField(max_length=50, db_index=True)
    at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[models.Manager["Strike"]]

    def __str__(self) -> str:
        return f"{self.fault} at {self.at}"


class Switch(models.Model):
    """A switch that somebody has moved; the others stand at their default."""

    name = models.CharField(max_length=50, primary_key=True)
    value = models.JSONField()

    objects: ClassVar[models.Manager["Switch"]]

    def __str__(self) -> str:
        return self.name
