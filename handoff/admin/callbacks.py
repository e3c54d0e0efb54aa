"""What ServiceNow told us, as it came."""

import json
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString

from handoff.admin.access import BotFilter, ReadOnlyAdmin
from handoff.exceptions import MalformedBody
from handoff.models import Callback
from handoff.strict_json import load_json


class CallbackAdmin(ReadOnlyAdmin):
    list_display = ["received_at", "bot", "state", "note", "group_id"]
    list_filter = ["state", BotFilter]
    list_select_related = ["bot"]
    search_fields = ["group_id__exact", "delivery_id__exact"]
    search_help_text = "A group id or a delivery id, whole."
    readonly_fields = ["readable"]
    fieldsets = [
        (
            None,
            {
                "fields": [
                    "bot",
                    "received_at",
                    "state",
                    "note",
                    "processed_at",
                    "group_id",
                    "delivery_id",
                    "authenticated_by",
                    "readable",
                ]
            },
        ),
        ("As it came", {"classes": ["collapse"], "fields": ["body"]}),
    ]

    @admin.display(description="Body")
    def readable(self, callback: Callback) -> SafeString:
        """Show JSON line by line, of whatever kind it is, and anything else as text."""
        try:
            body = load_json(callback.body.encode())
        except MalformedBody:
            text = callback.body
        else:
            text = json.dumps(body, indent=2, ensure_ascii=False)
        return format_html('<code class="said">{}</code>', text)

    def change_view(
        self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        response = super().change_view(request, object_id, *args, **kwargs)
        callback = self.get_object(request, object_id)
        self.log_change(request, callback, "Read the callback.")
        return response
