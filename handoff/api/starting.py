"""What a bot says when it hands a conversation over."""

from typing import Any

from drf_spectacular.utils import OpenApiExample
from rest_framework import serializers

from handoff import services
from handoff.api.fields import QueueField, SmallObject, Text, Time
from handoff.models.message import Role

MAX_TEXT = 32_000
MAX_TRANSCRIPT_BYTES = 200_000
MAX_TRANSCRIPT_ENTRIES = 1_000
MAX_OBJECT_BYTES = 16_384


class UserSerializer(serializers.Serializer[Any]):
    id = Text(max_length=200, required=False)
    name = Text(max_length=200, required=False, allow_blank=True)
    email = Text(max_length=254, required=False, allow_blank=True)


class TranscriptEntrySerializer(serializers.Serializer[Any]):
    role = serializers.ChoiceField(Role.choices)
    text = Text(max_length=MAX_TEXT)
    sent_at = Time(required=False, allow_null=True, default=None)


class StartSerializer(serializers.Serializer[Any]):
    id = Text(
        max_length=200,
        required=False,
        help_text="Your own, unique for the bot: repeating the call is then harmless.",
    )
    conversation_id = Text(max_length=200, help_text="Your own, echoed in each event.")
    message = Text(max_length=MAX_TEXT, help_text="The user's question to the agent.")
    user = UserSerializer(required=False)
    channel = Text(max_length=50, required=False, allow_blank=True)
    language = Text(
        max_length=35,
        required=False,
        allow_blank=True,
        help_text="As in `de-CH`; chooses the texts of the stages.",
    )
    queue = QueueField()
    skills = serializers.ListField(
        child=Text(max_length=100), max_length=50, required=False
    )
    context = SmallObject(  # type: ignore[assignment] # a field, taken out of the class by DRF
        max_bytes=MAX_OBJECT_BYTES, required=False, help_text="For routing."
    )
    metadata = SmallObject(
        max_bytes=MAX_OBJECT_BYTES, required=False, help_text="Echoed in each event."
    )
    transcript = TranscriptEntrySerializer(
        many=True,
        required=False,
        help_text="What was said before, oldest first; at most 200 kB of text.",
    )

    def validate_transcript(
        self, entries: list[dict[str, Any]]
    ) -> list[dict[str, Any]]:
        if len(entries) > MAX_TRANSCRIPT_ENTRIES:
            raise serializers.ValidationError(
                f"The transcript has more than {MAX_TRANSCRIPT_ENTRIES} entries."
            )
        if sum(len(entry["text"].encode()) for entry in entries) > MAX_TRANSCRIPT_BYTES:
            raise serializers.ValidationError("The transcript has more than 200 kB.")
        return entries


START_EXAMPLE = OpenApiExample(
    "Start",
    request_only=True,
    value={
        "id": "4d6f-1",
        "conversation_id": "web-8231",
        "message": "My order 1042 has not arrived.",
        "user": {"id": "u-17", "name": "Ada", "email": "ada@example.com"},
        "language": "en",
        "metadata": {"tenant": "north"},
        "transcript": [
            {"role": "user", "text": "Where is my order?"},
            {"role": "bot", "text": "I can't see it. Shall I get a person?"},
        ],
    },
)


def start_request(body: dict[str, Any]) -> services.StartRequest:
    entries = body.pop("transcript", [])
    return services.StartRequest(
        **body, transcript=[services.TranscriptEntry(**entry) for entry in entries]
    )
