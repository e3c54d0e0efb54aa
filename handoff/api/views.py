"""What every call of a bot has in common."""

from typing import Any, cast

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.views import APIView

from handoff import limits
from handoff.models import ApiKey, Bot


class BotView(APIView):
    """A call that a bot makes; whatever it writes counts against its rate."""

    @property
    def bot(self) -> Bot:
        return cast(ApiKey, self.request.auth).bot

    def check_throttles(self, request: Request) -> None:
        if request.method == "POST":
            limits.count_send(bot_id=self.bot.pk)


def parse(kind: type[serializers.Serializer[Any]], data: Any) -> dict[str, Any]:
    """Return what is valid; raise ValidationError, which names every wrong field."""
    serializer = kind(data=data)
    serializer.is_valid(raise_exception=True)
    return dict(serializer.validated_data)
