"""The one resource of the Virtual Agent API, VA Bot Integration."""

import json
from typing import Any

from handoff.chat_systems.agent_chat import bodies, message_auth
from handoff.chat_systems.agent_chat.bodies import Json
from handoff.chat_systems.values import Conversation
from handoff.models import AgentChatConfiguration
from servicenow_auth.client import Instance
from servicenow_auth.exceptions import Rejected

ENDPOINT = "/api/sn_va_as_service/bot/integration"


class Door:
    def __init__(
        self, instance: Instance, *, configuration: AgentChatConfiguration
    ) -> None:
        self.instance = instance
        self.configuration = configuration

    def ask(
        self,
        conversation: Conversation,
        *,
        request_id: str,
        send_before: float | None = None,
        **fields: Any,
    ) -> Json:
        """Make a request and return its answer: success says *received*, no more."""
        body = bodies.request(
            conversation,
            configuration=self.configuration,
            request_id=request_id,
            **fields,
        )
        payload = _serialised(body)
        answer = self.instance.post(
            ENDPOINT,
            payload,
            headers=message_auth.headers(self.configuration, payload=payload),
            send_before=send_before,
        )
        if answer.get("status") == "failure":
            raise Rejected("ServiceNow answered 200, and a failure.", status=400)
        return answer


def _serialised(body: Json) -> bytes:
    """Return JSON as JavaScript writes it: ServiceNow may sign what it has parsed."""
    compact = json.dumps(
        body, allow_nan=False, ensure_ascii=False, separators=(",", ":")
    )
    return compact.encode()
