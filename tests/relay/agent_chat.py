"""What Agent Chat calls back, and what was called there."""

import json
from datetime import timedelta
from typing import Any

from django.db.models import F

from handoff import relay, services
from handoff.models import Event, Handoff, Lane
from handoff.relay import inbox, looking
from servicenow_auth.models import ConnectionRuntime
from tests.relay.conftest import to_servicenow

AGENT = {"sentFromAgent": True, "agentName": "Beth", "agentId": "d" * 32}
SPINNER = {"uiType": "ActionMsg", "actionType": "StartSpinner"}
WAITING = SPINNER | {"spinnerType": "wait_time", "waitTime": "13 Seconds"}
ACCEPTED = {"uiType": "ActionMsg", "actionType": "SwitchToLiveAgent"}
LEFT = {"uiType": "ActionMsg", "actionType": "SwitchToVirtualAgent"}


def text(value: str, **fields: Any) -> dict[str, Any]:
    return {"uiType": "OutputText", "group": "DefaultText", "value": value} | fields


def system(words: str) -> dict[str, Any]:
    return {"uiType": "ActionMsg", "actionType": "System", "message": words}


def call_back(handoff: Handoff, *parts: dict[str, Any], **fields: Any) -> None:
    """Post one envelope, and take it in."""
    envelope = {"clientSessionId": handoff.group_id, "body": list(parts)} | fields
    services.receive_callback(
        bot=handoff.bot,
        body=json.dumps(envelope).encode(),
        authenticated_by="header",
        delivery_id=None,
    )
    inbox.process(bot_id=handoff.bot_id, group_id=handoff.group_id)
    handoff.refresh_from_db()


def said(handoff: Handoff) -> list[tuple[str, str]]:
    """Return role and text of what the bot was told, in order."""
    created = Event.objects.filter(handoff=handoff, type="message.created")
    data = [event.payload["data"] for event in created.order_by("sequence")]
    return [(one["role"], one["text"]) for one in data]


def final(handoff: Handoff) -> dict[str, Any]:
    """Return the data of the one final event."""
    ends = Event.objects.filter(
        handoff=handoff, type__in=["handoff.ended", "handoff.failed"]
    )
    data: dict[str, Any] = ends.get().payload["data"]
    return data


def drain(handoff: Handoff) -> None:
    """Let the waits be over, and drain."""
    ConnectionRuntime.objects.update(paused_until=None)
    Lane.objects.filter(pk=to_servicenow(handoff).pk, wake_at__isnull=False).update(
        wake_at=F("wake_at") - timedelta(hours=1)
    )
    relay.drain(to_servicenow(handoff).pk)


def pass_time(handoff: Handoff, **time: float) -> None:
    """Let what is due after so long be due, and look."""
    earlier = timedelta(**time)
    Handoff.objects.filter(pk=handoff.pk, pending_end_at__isnull=False).update(
        pending_end_at=F("pending_end_at") - earlier
    )
    Handoff.objects.filter(pk=handoff.pk, poll_at__isnull=False).update(
        poll_at=F("poll_at") - earlier
    )
    looking.look(handoff.pk)
    handoff.refresh_from_db()


def actions(http: Any) -> list[str | None]:
    """Return the actions of the calls to the Virtual Agent API, in order."""
    bodies = [json.loads(call.request.body) for call in http.calls]
    return [body.get("action") for body in bodies]
