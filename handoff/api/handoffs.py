"""Start, find, look at and end a handoff."""

from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from handoff import services
from handoff.api.fields import Flag, TextOrNull
from handoff.api.pages import PageQuery, PageSerializer, cut, page
from handoff.api.schema import READ, WRITE, answers
from handoff.api.starting import START_EXAMPLE, StartSerializer, start_request
from handoff.api.views import BotView, parse
from handoff.api.waiting import MAX_SECONDS, wait_until
from handoff.models import Handoff
from handoff.models.handoff import OPEN_STATES, EndedBy, Reason, State


class AgentSerializer(serializers.Serializer[Any]):
    name = serializers.CharField()
    avatar_url = serializers.CharField(allow_null=True)


class TicketSerializer(serializers.Serializer[Any]):
    number = serializers.CharField()
    sys_id = serializers.CharField()
    url = serializers.CharField(help_text="Where an agent opens it.")


class HandoffSerializer(serializers.Serializer[Any]):
    id = serializers.UUIDField()
    request_id = serializers.CharField(
        allow_null=True, help_text="The `id` that the bot gave."
    )
    conversation_id = serializers.CharField()
    state = serializers.ChoiceField(State.choices)
    reason = TextOrNull(help_text=f"One of {', '.join(Reason.values)}.")
    ended_by = TextOrNull(help_text=f"One of {', '.join(EndedBy.values)}.")
    queue = TextOrNull(source="queue_id")
    number = TextOrNull(help_text="What ServiceNow calls it.")
    position = serializers.IntegerField(allow_null=True)
    wait_seconds = serializers.IntegerField(allow_null=True)
    wait_text = TextOrNull()
    agent = AgentSerializer(allow_null=True)
    ticket = TicketSerializer(
        allow_null=True, help_text="The incident, where no agent came and one was made."
    )
    channel = TextOrNull()
    language = TextOrNull()
    metadata = serializers.DictField()
    created_at = serializers.DateTimeField()
    queued_at = serializers.DateTimeField(allow_null=True)
    accepted_at = serializers.DateTimeField(allow_null=True)
    ended_at = serializers.DateTimeField(allow_null=True)


class StartedSerializer(HandoffSerializer):
    message_sent = serializers.BooleanField(
        help_text="False: the conversation had an open handoff, which is this one."
    )


class HandoffPageSerializer(PageSerializer):
    items = HandoffSerializer(many=True)


class WaitQuery(serializers.Serializer[Any]):
    wait = serializers.IntegerField(
        min_value=0,
        max_value=MAX_SECONDS,
        default=0,
        help_text="Seconds to wait for the first state after `requested`.",
    )


class HandoffsQuery(PageQuery):
    conversation_id = serializers.CharField(max_length=200, required=False)
    state = serializers.ChoiceField(["open", *State.values], required=False)
    after = serializers.UUIDField(required=False)


class HandoffsView(BotView):
    @extend_schema(
        operation_id="start_handoff",
        summary="Hand a conversation over",
        tags=["Handoffs"],
        parameters=[WaitQuery],
        request=StartSerializer,
        responses=answers(
            *WRITE,
            success={202: StartedSerializer, 200: StartedSerializer},
            id_conflict="409 The id came before with another body.",
            bot_disabled="409 Enable is off in the bot's configuration.",
            authorization_required="409 Someone must authorize the bot again.",
            queue_missing="409 Neither the call nor the bot names a queue.",
            handoff_loop="429 The conversation was handed over too often in an hour.",
            too_many_open_handoffs="429 The bot has too many handoffs open.",
            rate_limited="429 Too many calls in this minute.",
        ),
        examples=[START_EXAMPLE],
    )
    def post(self, request: Request) -> Response:
        """Answer 202 once it is stored, also to a repeat of the same `id` and body;
        200 with `message_sent` false when this conversation is handed over already.
        """
        wait = parse(WaitQuery, request.query_params)["wait"]
        body = parse(StartSerializer, request.data)
        started = services.start_handoff(bot=self.bot, request=start_request(body))
        handoff = _after_a_wait(started.handoff, seconds=wait)
        answer = {
            **HandoffSerializer(handoff).data,
            "message_sent": started.message_sent,
        }
        return Response(answer, status=202 if started.message_sent else 200)

    @extend_schema(
        operation_id="list_handoffs",
        summary="Find handoffs",
        tags=["Handoffs"],
        parameters=[HandoffsQuery],
        responses=answers(*READ, success={200: HandoffPageSerializer}),
    )
    def get(self, request: Request) -> Response:
        """List the bot's handoffs, the newest first."""
        query = parse(HandoffsQuery, request.query_params)
        found, more = cut(self._found(query), limit=query["limit"])
        items: list[dict[str, Any]] = list(HandoffSerializer(found, many=True).data)
        return page(items, cursor="id", after=query.get("after"), has_more=more)

    def _found(self, query: dict[str, Any]) -> QuerySet[Handoff]:
        handoffs = Handoff.objects.filter(bot=self.bot).order_by("-created_at", "-id")
        if "conversation_id" in query:
            handoffs = handoffs.filter(conversation_id=query["conversation_id"])
        if "state" in query:
            wanted = OPEN_STATES if query["state"] == "open" else [query["state"]]
            handoffs = handoffs.filter(state__in=wanted)
        if "after" in query:
            last = Handoff.objects.filter(bot=self.bot, pk=query["after"]).first()
            if last is None:
                raise serializers.ValidationError({"after": ["No such handoff."]})
            handoffs = handoffs.filter(
                Q(created_at__lt=last.created_at)
                | Q(created_at=last.created_at, id__lt=last.id)
            )
        return handoffs


class HandoffView(BotView):
    @extend_schema(
        operation_id="get_handoff",
        summary="Look at a handoff",
        tags=["Handoffs"],
        responses=answers(*READ, 404, success={200: HandoffSerializer}),
    )
    def get(self, request: Request, handoff_id: UUID) -> Response:
        """Where it stands; `reason` and `ended_by` say how it ended."""
        handoff = Handoff.objects.get(pk=handoff_id, bot=self.bot)
        return Response(HandoffSerializer(handoff).data)


class EndSerializer(serializers.Serializer[Any]):
    reason = serializers.ChoiceField(
        [Reason.BOT_ENDED.value, Reason.USER_LEFT.value, Reason.COMPLETED.value],
        default=Reason.BOT_ENDED.value,
    )


class EndView(BotView):
    @extend_schema(
        operation_id="end_handoff",
        summary="End a handoff",
        tags=["Handoffs"],
        request=EndSerializer,
        responses=answers(*WRITE, 404, success={202: HandoffSerializer}),
    )
    def post(self, request: Request, handoff_id: UUID) -> Response:
        """Make it final at once; ServiceNow is told in its turn. Again is harmless."""
        reason = Reason(parse(EndSerializer, request.data)["reason"])
        handoff = services.end_handoff(
            handoff_id=handoff_id, bot=self.bot, reason=reason
        )
        return Response(HandoffSerializer(handoff).data, status=202)


class TypingSerializer(serializers.Serializer[Any]):
    typing = Flag()


class TypingView(BotView):
    @extend_schema(
        operation_id="set_typing",
        summary="Say that the user types, or stopped",
        tags=["Messages"],
        request=TypingSerializer,
        responses=answers(*WRITE, 404, success={204: None}),
    )
    def post(self, request: Request, handoff_id: UUID) -> Response:
        """Never queued; dropped where the chat system knows no typing."""
        typing = parse(TypingSerializer, request.data)["typing"]
        services.set_typing(handoff_id=handoff_id, bot=self.bot, typing=typing)
        return Response(status=204)


def _after_a_wait(handoff: Handoff, *, seconds: int) -> Handoff:
    if not seconds:
        return handoff
    moved_on = Handoff.objects.filter(pk=handoff.pk).exclude(state=State.REQUESTED)
    wait_until(moved_on.exists, seconds=seconds)
    return Handoff.objects.get(pk=handoff.pk)
