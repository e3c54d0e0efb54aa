from typing import ClassVar

from django.db import models


class Message(models.Model):
    group = models.CharField(max_length=32)
    text = models.TextField()
    created_at = models.DateTimeField(auto_now_add=True)

    objects: ClassVar[models.Manager["Message"]] = models.Manager()

    def __str__(self) -> str:
        return f"message {self.pk}"
