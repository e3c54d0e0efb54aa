from django.urls import path

from handoff.api.attachments import AttachmentsView, AttachmentView
from handoff.api.availability import AvailabilityView
from handoff.api.events import EventsView
from handoff.api.handoffs import EndView, HandoffsView, HandoffView, TypingView
from handoff.api.messages import MessagesView, TranscriptView

app_name = "api"
urlpatterns = [
    path("handoffs", HandoffsView.as_view(), name="handoffs"),
    path("handoffs/<uuid:handoff_id>", HandoffView.as_view(), name="handoff"),
    path(
        "handoffs/<uuid:handoff_id>/messages", MessagesView.as_view(), name="messages"
    ),
    path("handoffs/<uuid:handoff_id>/typing", TypingView.as_view(), name="typing"),
    path("handoffs/<uuid:handoff_id>/end", EndView.as_view(), name="end"),
    path(
        "handoffs/<uuid:handoff_id>/transcript",
        TranscriptView.as_view(),
        name="transcript",
    ),
    path("attachments", AttachmentsView.as_view(), name="attachments"),
    path(
        "attachments/<uuid:attachment_id>", AttachmentView.as_view(), name="attachment"
    ),
    path("events", EventsView.as_view(), name="events"),
    path("availability", AvailabilityView.as_view(), name="availability"),
]
