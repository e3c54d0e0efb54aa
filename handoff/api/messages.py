"""What is said during a handoff, and all that was said."""

from typing import Any
from uuid import UUID

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiExample,
    extend_schema,
    extend_schema_field,
)
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from handoff import files, services
from handoff.api.attachments import AttachmentSerializer
from handoff.api.fields import Text, TextOrNull, Time
from handoff.api.pages import PageQuery, PageSerializer, cut, page
from handoff.api.schema import READ, WRITE, answers
from handoff.api.starting import MAX_TEXT
from handoff.api.views import BotView, parse
from handoff.models import Handoff, Message
from handoff.models.message import Role

# More than any bot allows.
MAX_ATTACHMENTS = 100
NOTHING_SAID = "Without attachments this field may not be blank."


class PostMessageSerializer(serializers.Serializer[Any]):
    id = Text(
        max_length=200,
        help_text="Your own, unique within the handoff: repeats are harmless.",
    )
    text = Text(
        max_length=MAX_TEXT,
        default="",
        allow_blank=True,
        help_text="May be missing where there are attachments.",
    )
    role = serializers.ChoiceField(
        [Role.USER.value, Role.BOT.value], default=Role.USER.value
    )
    attachments = serializers.ListField(
        child=serializers.UUIDField(),
        max_length=MAX_ATTACHMENTS,
        required=False,
        help_text="The `id` of each upload; an upload goes into one message.",
    )
    choice_value = Text(
        max_length=1_000,
        required=False,
        allow_blank=True,
        help_text="Not passed on where the chat system knows no choices.",
    )
    sent_at = Time(required=False, allow_null=True)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if not (attrs["text"].strip() or attrs.get("attachments")):
            raise serializers.ValidationError({"text": [NOTHING_SAID]})
        return attrs


class SenderSerializer(serializers.Serializer[Any]):
    name = serializers.CharField(source="sender_name")
    avatar_url = TextOrNull(source="sender_avatar_url")


class LinkSerializer(serializers.Serializer[Any]):
    url = serializers.CharField()
    label = serializers.CharField()  # type: ignore[assignment] # a field, taken out of the class by DRF


class ChoiceSerializer(serializers.Serializer[Any]):
    label = serializers.CharField()  # type: ignore[assignment] # a field, taken out of the class by DRF
    value = serializers.CharField(help_text="To be posted as `choice_value`.")


class SpokenSerializer(serializers.Serializer[Any]):
    message_id = serializers.UUIDField(source="id")
    id = serializers.CharField(
        source="client_id", allow_null=True, help_text="The `id` that the bot gave."
    )
    role = serializers.ChoiceField(Role.choices)
    sender = serializers.SerializerMethodField()
    text = serializers.CharField()
    html = TextOrNull(help_text="Safe HTML, where ServiceNow sent markup.")
    attachments = serializers.SerializerMethodField()
    links = LinkSerializer(many=True)
    choices = ChoiceSerializer(many=True)
    sent_at = serializers.SerializerMethodField()

    @extend_schema_field(SenderSerializer(allow_null=True))
    def get_sender(self, message: Message) -> Any:
        return SenderSerializer(message).data if message.sender_name else None

    @extend_schema_field(AttachmentSerializer(many=True))
    def get_attachments(self, message: Message) -> list[dict[str, Any]]:
        return [files.describe(each) for each in message.files]

    @extend_schema_field(OpenApiTypes.DATETIME)
    def get_sent_at(self, message: Message) -> str | None:
        field = serializers.DateTimeField()
        return field.to_representation(message.sent_at or message.created_at)


class MessageSerializer(SpokenSerializer):
    delivery = serializers.ChoiceField(
        ["pending", "sending", "sent", "failed", "received"],
        help_text="Towards ServiceNow; `received` came from there.",
    )
    recovered = serializers.BooleanField(
        help_text="Found by reading ServiceNow, not by its callback."
    )


class MessagePageSerializer(PageSerializer):
    items = MessageSerializer(many=True)


class MessagesQuery(PageQuery):
    after = serializers.UUIDField(required=False, help_text="A `message_id`.")


MESSAGE_EXAMPLE = OpenApiExample(
    "Message", request_only=True, value={"id": "m-7", "text": "It says delivered."}
)


class MessagesView(BotView):
    @extend_schema(
        operation_id="post_message",
        summary="Say something to the agent",
        tags=["Messages"],
        request=PostMessageSerializer,
        responses=answers(
            *WRITE,
            404,
            success={202: MessageSerializer, 200: MessageSerializer},
            id_conflict="409 The id came before with another body.",
            handoff_closed="409 The handoff is over: the message is the bot's again.",
            attachment_refused="422 An attachment is unknown, used or expired, or"
            " one too many.",
        ),
        examples=[MESSAGE_EXAMPLE],
    )
    def post(self, request: Request, handoff_id: UUID) -> Response:
        """Answer 202 once it is stored, 200 to a repeat of the same `id` and body."""
        body = parse(PostMessageSerializer, request.data)
        message, created = services.post_message(
            handoff_id=handoff_id, bot=self.bot, message=services.NewMessage(**body)
        )
        answer = MessageSerializer(message).data
        return Response(answer, status=202 if created else 200)

    @extend_schema(
        operation_id="list_messages",
        summary="List the messages of a handoff",
        tags=["Messages"],
        parameters=[MessagesQuery],
        responses=answers(*READ, 404, success={200: MessagePageSerializer}),
    )
    def get(self, request: Request, handoff_id: UUID) -> Response:
        """List both directions, oldest first, with the state of delivery."""
        handoff = Handoff.objects.get(pk=handoff_id, bot=self.bot)
        query = parse(MessagesQuery, request.query_params)
        messages = handoff.messages.filter(before_handoff=False).order_by("number")
        if "after" in query:
            last = handoff.messages.filter(id=query["after"]).first()
            if last is None:
                raise serializers.ValidationError({"after": ["No such message."]})
            messages = messages.filter(number__gt=last.number)
        found, more = cut(
            messages.prefetch_related("parts", "attachments"), limit=query["limit"]
        )
        items: list[dict[str, Any]] = list(MessageSerializer(found, many=True).data)
        return page(items, cursor="message_id", after=query.get("after"), has_more=more)


class TranscriptItemSerializer(SpokenSerializer):
    before_handoff = serializers.BooleanField()


class TranscriptEndSerializer(serializers.Serializer[Handoff]):
    state = serializers.CharField()
    reason = serializers.CharField()
    ended_by = serializers.CharField()
    ended_at = serializers.DateTimeField()


class TranscriptSerializer(serializers.Serializer[Any]):
    handoff_id = serializers.UUIDField()
    conversation_id = serializers.CharField()
    items = TranscriptItemSerializer(many=True)
    end = TranscriptEndSerializer(allow_null=True, help_text="Null while it is open.")


class TranscriptView(BotView):
    @extend_schema(
        operation_id="get_transcript",
        summary="Read all that was said",
        tags=["Messages"],
        responses=answers(*READ, 404, success={200: TranscriptSerializer}),
    )
    def get(self, request: Request, handoff_id: UUID) -> Response:
        """Everything, both sides, oldest first, with what came before the handoff."""
        handoff = Handoff.objects.get(pk=handoff_id, bot=self.bot)
        transcript = {
            "handoff_id": handoff.id,
            "conversation_id": handoff.conversation_id,
            "items": handoff.messages.order_by("number").prefetch_related(
                "attachments"
            ),
            "end": handoff if handoff.is_final else None,
        }
        return Response(TranscriptSerializer(transcript).data)
