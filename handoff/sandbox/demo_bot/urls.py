from pathlib import Path

from django.urls import path
from django.views.static import serve

from handoff.sandbox.demo_bot import views

urlpatterns = [
    path("", views.page, name="page"),
    path("chat", views.chat_fragment, name="chat"),
    path("messages", views.say, name="say"),
    path("choices", views.choose, name="choose"),
    path("files/<int:pk>", views.own_file, name="file"),
    path("typing", views.typing, name="typing"),
    path("end", views.end, name="end"),
    path("webhook", views.webhook),
    path("setup", views.setup),
    path("healthz", views.healthz),
    path(
        "static/<path:path>",
        serve,
        {"document_root": Path(__file__).parent / "static"},
        name="static",
    ),
]
