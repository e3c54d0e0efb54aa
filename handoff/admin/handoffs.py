"""A handoff from end to end: what was said, what was sent, and what went wrong."""

from datetime import datetime
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.utils.http import content_disposition_header
from django.utils.timezone import now

from handoff import files
from handoff.admin.access import BotFilter, ReadOnlyAdmin
from handoff.models import Attempt, Event, Handoff, Lane, Message, Outgoing
from handoff.models.lane import Direction
from handoff.relay.looking import MAX_LOOKS
from handoff.relay.to_bot import UNAVAILABLE
from handoff.relay.to_servicenow import (
    AMBIGUOUS,
    NO_AGENT_YET,
    THROTTLED,
    UNAUTHORIZED,
    UNREACHABLE,
    UNREADABLE,
)
from servicenow_auth.status import TIME

MOST_SHOWN = 500
# Why a lane waits → what people are told.
WHY = {
    UNREACHABLE: "ServiceNow does not answer.",
    THROTTLED: "ServiceNow wants no calls for a while.",
    UNAUTHORIZED: "The bot must be authorized at ServiceNow again.",
    AMBIGUOUS: "Whether the first one arrived is not known yet; nothing overtakes it.",
    UNREADABLE: "ServiceNow does not show whether the first one arrived.",
    NO_AGENT_YET: "Nothing can be said before an agent has accepted.",
    UNAVAILABLE: "The bot's webhook does not answer.",
}


class HandoffAdmin(ReadOnlyAdmin):
    list_display = [
        "conversation_id",
        "bot",
        "state",
        "reason",
        "agent_name",
        "created_at",
    ]
    list_filter = ["state", "reason", BotFilter]
    list_select_related = ["bot"]
    search_fields = ["conversation_id__exact"]
    search_help_text = "A conversation id, whole."
    change_form_template = "admin/handoff/handoff/change_form.html"
    readonly_fields = ["incident", "reading"]
    fieldsets = [
        (
            None,
            {
                "fields": [
                    ("bot", "conversation_id"),
                    ("state", "reason"),
                    ("ended_by", "agent_name"),
                    ("created_at", "queued_at"),
                    ("accepted_at", "ended_at"),
                ]
            },
        ),
        (
            "In ServiceNow",
            {
                "classes": ["collapse"],
                "fields": [
                    "number",
                    "incident",
                    "queue_id",
                    "group_id",
                    "entry_id",
                    "reading",
                ],
            },
        ),
    ]

    @admin.display(description="Incident")
    def incident(self, handoff: Handoff) -> str:
        if handoff.ticket is None:
            return "None"
        return format_html(
            '<a class="text-link" href="{url}">{number}</a>', **handoff.ticket
        )

    @admin.display(description="Reading its messages")
    def reading(self, handoff: Handoff) -> str:
        if handoff.looks > MAX_LOOKS:
            return f"Given up: {MAX_LOOKS} reads in a row broke off"
        return (
            "Refused by ServiceNow" if handoff.is_unreadable else "Nothing hinders it"
        )

    def get_urls(self) -> list[URLPattern]:
        view = self.admin_site.admin_view(self.download)
        address = "<uuid:handoff_id>/files/<uuid:file_id>/"
        return [path(address, view, name="handoff_handoff_file"), *super().get_urls()]

    def download(
        self, request: HttpRequest, handoff_id: Any, file_id: Any
    ) -> StreamingHttpResponse:
        """Give a file to keep, not to show here: a stranger may have made it."""
        handoff = get_object_or_404(self.get_queryset(request), pk=handoff_id)
        there = handoff.attachments.filter(error="", expires_at__gt=now())
        file = get_object_or_404(there, pk=file_id)
        self.log_change(request, handoff, f"Read the file {file.file_name}.")
        named = content_disposition_header(as_attachment=True, filename=file.file_name)
        return StreamingHttpResponse(
            files.pieces(file),
            content_type=file.content_type,
            headers={"Content-Disposition": named, "Content-Length": str(file.size)},
        )

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        handoff = self.get_object(request, object_id)
        if handoff is not None:
            extra_context = {**(extra_context or {}), **_timeline(handoff)}
        response = super().change_view(request, object_id, form_url, extra_context)
        self.log_change(request, handoff, "Read the conversation.")
        return response


def _timeline(handoff: Handoff) -> dict[str, Any]:
    """Return the newest rows of everything that belongs to the handoff, in order."""
    said = Message.objects.filter(handoff=handoff)
    said = said.prefetch_related("parts", "attachments")
    lanes = {lane.direction: lane for lane in Lane.objects.filter(handoff=handoff)}
    to_servicenow = lanes.get(Direction.TO_SERVICENOW)
    to_bot = lanes.get(Direction.TO_BOT)
    failing_since = handoff.bot.connection.runtime.failing_since
    outgoing = Outgoing.objects.filter(lane__handoff=handoff)
    events = Event.objects.filter(handoff=handoff)
    attempts = Attempt.objects.filter(lane__handoff=handoff).select_related("lane")
    return {
        "present": now(),
        "said": reversed(said.order_by("-number")[:MOST_SHOWN]),
        "directions": [
            {
                "title": "Items to ServiceNow",
                "lane": to_servicenow,
                "why": _why(to_servicenow, failing_since=failing_since),
                "items": reversed(outgoing.order_by("-sequence")[:MOST_SHOWN]),
            },
            {
                "title": "Events to the bot",
                "lane": to_bot,
                "why": _why(to_bot),
                "items": reversed(events.order_by("-sequence")[:MOST_SHOWN]),
            },
        ],
        "attempts": attempts[:50],
    }


def _why(lane: Lane | None, *, failing_since: datetime | None = None) -> str:
    """Return why a lane stands still, "" where it does not."""
    if lane is None or not lane.stalled_reason:
        return ""
    why = WHY.get(lane.stalled_reason, lane.stalled_reason)
    if failing_since is None:
        return why
    return f"{why} No call to ServiceNow has got through since {failing_since:{TIME}}."
