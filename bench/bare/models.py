from typing import ClassVar

from django.db import models


class Callback(models.Model):
    body = models.TextField()
    received_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[models.Manager["Callback"]] = models.Manager()

    def __str__(self) -> str:
        return f"callback {self.pk}"
