"""The feed: a bot's events in order, for those who would rather ask than be told."""

from typing import Any

from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from handoff import events
from handoff.api.pages import PageQuery, cut, page
from handoff.api.schema import READ, answers
from handoff.api.views import BotView, parse
from handoff.api.waiting import MAX_SECONDS, wait_until
from handoff.exceptions import FeedReset
from handoff.models import Event
from handoff.models.handoff import State

BIGGEST_SEQUENCE = 2**63 - 1
TYPES = (
    "handoff.queued",
    "handoff.wait_time.updated",
    "handoff.accepted",
    "handoff.transferred",
    "handoff.idle_warning",
    "handoff.ended",
    "handoff.failed",
    "message.created",
    "message.delivered",
    "message.failed",
    "typing.started",
    "typing.stopped",
    "authorization.required",
    "webhook.disabled",
)


DATA = (
    "What belongs to the type. The one final event of a handoff has `final: true`, and"
    " in `ticket` the incident that was created, or null."
)


class EventHandoffSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    conversation_id = serializers.CharField()
    state = serializers.ChoiceField(State.choices)
    metadata = serializers.DictField()


class EventSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField(help_text="Also `webhook-id`: the same at each attempt.")
    type = serializers.ChoiceField(TYPES, help_text="New types may come: ignore them.")
    timestamp = serializers.DateTimeField()
    sequence = serializers.IntegerField(help_text="Counts within the handoff.")
    feed_sequence = serializers.IntegerField(help_text="Counts within the bot.")
    handoff = EventHandoffSerializer(
        allow_null=True, help_text="Null where the event is about the bot as a whole."
    )
    data = serializers.DictField(help_text=DATA)  # type: ignore[assignment] # a field, taken out of the class by DRF


class EventPageSerializer(serializers.Serializer[Any]):
    items = EventSerializer(many=True)
    next = serializers.IntegerField(help_text="Pass it as `after`.")
    has_more = serializers.BooleanField()


class EventsQuery(PageQuery):
    after = serializers.IntegerField(
        min_value=0,
        max_value=BIGGEST_SEQUENCE,
        default=0,
        help_text="The last `feed_sequence` that you have dealt with.",
    )
    wait = serializers.IntegerField(
        min_value=0,
        max_value=MAX_SECONDS,
        default=0,
        help_text="Seconds to wait for the next event when there is none yet.",
    )


EVENT_EXAMPLE = OpenApiExample(
    "A message of the agent",
    response_only=True,
    status_codes=["200"],
    value={
        "items": [
            {
                "id": "8a3bb6ab-6f0a-4c2f-9d4d-2b1f6ff0a0de",
                "type": "message.created",
                "timestamp": "2026-11-22T09:30:12.481920Z",
                "sequence": 3,
                "feed_sequence": 118,
                "handoff": {
                    "id": "0b8b3c1e-3f6e-4a44-9a57-1f0b5e8fb0a9",
                    "conversation_id": "web-8231",
                    "state": "accepted",
                    "metadata": {"tenant": "north"},
                },
                "data": {
                    "message_id": "b7ad6b3b-8f6f-4d39-a6f4-0a8e2a54b6b8",
                    "role": "agent",
                    "sender": {"name": "Beth", "avatar_url": None},
                    "text": "Hello, how can I help?",
                    "html": "Hello, how can I help?",
                    "attachments": [],
                    "links": [],
                    "choices": [],
                    "sent_at": "2026-11-22T09:30:12Z",
                    "recovered": False,
                },
            }
        ],
        "next": 118,
        "has_more": False,
    },
)


class EventsView(BotView):
    @extend_schema(
        operation_id="list_events",
        summary="Follow the feed",
        tags=["Events"],
        parameters=[EventsQuery],
        responses=answers(
            *READ,
            success={200: EventPageSerializer},
            feed_reset="409 The feed has no event with this number any more, as after"
            " the restore of a backup: begin again at 0.",
        ),
        examples=[EVENT_EXAMPLE],
    )
    def get(self, request: Request) -> Response:
        """The bot's events in order, none skipped. When as many calls wait as may,
        this one is answered at once.
        """
        query = parse(EventsQuery, request.query_params)
        after = query["after"]
        if events.is_forgotten(self.bot, number=after):
            raise FeedReset("No event has this number any more: begin again at 0.")
        told = Event.objects.filter(bot=self.bot, feed_sequence__gt=after)
        wait_until(told.exists, seconds=query["wait"])
        payloads = told.order_by("feed_sequence").values_list("payload", flat=True)
        items, more = cut(payloads, limit=query["limit"])
        return page(items, cursor="feed_sequence", after=after, has_more=more)
