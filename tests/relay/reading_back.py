"""What ServiceNow shows of what we sent, and the time in which it may still come."""

import json
from datetime import timedelta
from typing import Any

from django.db.models import F

from handoff.models import Handoff, Outgoing
from tests.relay.conftest import MESSAGES, message

US = {"created_by": "Chatbot.Interface", "sender_name": "Chatbot"}


def ours(sys_id: str, text: str) -> dict[str, Any]:
    return message(sys_id, text, **US)


BROKEN: dict[str, Any] = {"status": 502, "body": "<html>"}
OPENING = ours("0" * 32, "My door is jammed.")


def shows(http, *rows: dict[str, Any]) -> None:
    http.get(MESSAGES, json={"result": [*rows, OPENING]})


def settle() -> None:
    """Let the time pass in which an attempt may still be applied."""
    for name in ("attempt_started_at", "first_attempt_at"):
        Outgoing.objects.filter(state="sending").update(
            **{name: F(name) - timedelta(seconds=91)}
        )


def takes(http, sys_id: str) -> None:
    http.post(MESSAGES, json={"result": {"sys_id": sys_id}})


def posted(http) -> list[str]:
    """Return the texts that were posted to ServiceNow."""
    posts = [call.request for call in http.calls if call.request.method == "POST"]
    return [json.loads(request.body).get("message") for request in posts]


def sys_ids(handoff: Handoff) -> list[str]:
    items = Outgoing.objects.filter(lane__handoff=handoff, kind="message")
    return list(items.order_by("sequence").values_list("sys_id", flat=True))
