"""Is anyone there?"""

from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from handoff import services
from handoff.api.fields import QueueField, TextOrNull
from handoff.api.schema import READ, answers
from handoff.api.views import BotView, parse
from handoff.api.waiting import seat
from handoff.chat_systems import Availability

UNKNOWN = Availability(state="unknown")


class AvailabilityQuery(serializers.Serializer[Any]):
    queue = QueueField()


class AvailabilitySerializer(serializers.Serializer[Any]):
    state = serializers.ChoiceField(["open", "closed", "unknown"])
    text = TextOrNull(help_text="The queue's own words, without markup.")
    wait_seconds = serializers.IntegerField(allow_null=True)
    wait_text = TextOrNull()


class AvailabilityView(BotView):
    @extend_schema(
        operation_id="get_availability",
        summary="Ask whether the queue is open",
        tags=["Handoffs"],
        parameters=[AvailabilityQuery],
        responses=answers(*READ, success={200: AvailabilitySerializer}),
    )
    def get(self, request: Request) -> Response:
        """A hint: a handoff may start whatever the answer is. `unknown` too while
        many wait for theirs: ServiceNow is asked, and may be slow.
        """
        queue = parse(AvailabilityQuery, request.query_params)["queue"]
        with seat() as free:
            availability = (
                services.availability(bot=self.bot, queue=queue) if free else UNKNOWN
            )
        return Response(AvailabilitySerializer(availability).data)
