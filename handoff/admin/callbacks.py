"""What ServiceNow told us, as it came."""

from typing import Any

from django.http import HttpRequest, HttpResponse

from handoff.admin.access import BotFilter, ReadOnlyAdmin


class CallbackAdmin(ReadOnlyAdmin):
    list_display = ["received_at", "bot", "state", "note", "group_id"]
    list_filter = ["state", BotFilter]
    list_select_related = ["bot"]
    search_fields = ["group_id__exact", "delivery_id__exact"]
    search_help_text = "A group id or a delivery id, whole."
    fields = [
        "bot",
        "received_at",
        "state",
        "note",
        "processed_at",
        "group_id",
        "delivery_id",
        "authenticated_by",
        "body",
    ]

    def change_view(
        self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any
    ) -> HttpResponse:
        response = super().change_view(request, object_id, *args, **kwargs)
        callback = self.get_object(request, object_id)
        self.log_change(request, callback, "Read the callback.")
        return response
