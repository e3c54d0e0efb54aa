"""The Virtual Agent API as tests see it: its address, and what it was asked."""

import json
from typing import Any

from responses import RequestsMock

HOST = "https://dev1.service-now.com"
URL = f"{HOST}/api/sn_va_as_service/bot/integration"
GROUP = "c3" * 16
RECEIVED = {"status": "success"}
NO = {"error": {"message": "no", "detail": "Not known"}, "status": "failure"}
# What every request has, besides its own id and the time.
ALWAYS = {
    "clientSessionId": GROUP,
    "userId": GROUP,
    "botToBot": True,
    "clientVariables": {"handoff": GROUP},
}
INTERACTION = "1f" * 16
# What a start says for routing.
CONTEXT = {
    "live_agent_only": "true",
    "interaction_client_session_id": GROUP,
    "language": "de-CH",
}


def asked(http: RequestsMock) -> list[dict[str, Any]]:
    """Return the bodies that were posted, without their times."""
    bodies = [json.loads(call.request.body) for call in http.calls]
    return [
        {name: value for name, value in body.items() if name != "timestamp"}
        for body in bodies
    ]


def envelope(*parts: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Return an answer whose parts are actions, unless they say otherwise."""
    body = [{"uiType": "ActionMsg", **part} for part in parts]
    return {"clientSessionId": GROUP, "body": body, **fields}


CREATED = envelope(
    {"actionType": "CreateConversation", "conversationId": "5e" * 16},
    interactionId=INTERACTION,
)
WAITING = envelope(
    {"actionType": "SubscribeToSupportQueue", "supportQueue": "{queue=x}"},
    {
        "actionType": "StartSpinner",
        "spinnerType": "wait_time",
        "waitTime": "2 Minutes",
        "message": "Routing you to a live agent...",
    },
    agentChat=True,
)
