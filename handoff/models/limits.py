"""Counters of the rate limiter, and the sign of life of beat and worker."""

from django.db import models
from django.utils.timezone import now


class RateWindow(models.Model):
    key = models.CharField(max_length=100)
    window = models.BigIntegerField()
    count = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["key", "window"], name="one_count_a_window")
        ]

    def __str__(self) -> str:
        return f"{self.key}@{self.window}"


class Heartbeat(models.Model):
    """When a process last did its round; a stale one turns deep health red."""

    name = models.CharField(max_length=30, primary_key=True)
    at = models.DateTimeField(default=now)

    def __str__(self) -> str:
        return self.name
