"""The webhook as the OpenAPI document tells of it; handoff.webhooks sends it."""

from drf_spectacular.utils import OpenApiResponse, OpenApiWebhook, extend_schema

from handoff.api.events import EventSerializer

EVENT_WEBHOOK = OpenApiWebhook(
    name="event",
    decorator=extend_schema(
        summary="An event, at the bot's webhook URL",
        description=(
            "Signed as Standard Webhooks has it: `webhook-id` (the event's `id`, the "
            "same at each attempt), `webhook-timestamp`, `webhook-signature`. In order "
            "within a handoff; the next comes after this one was answered."
        ),
        tags=["Events"],
        request=EventSerializer,
        responses={
            204: OpenApiResponse(description="Taken; any 2xx says so."),
            410: OpenApiResponse(
                description="No more, please: the webhook is switched off, the feed "
                "goes on."
            ),
        },
    ),
)
