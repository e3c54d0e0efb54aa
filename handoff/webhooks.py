"""The wire to a bot: one signed POST."""

import json
import time
from dataclasses import dataclass
from typing import Any

from handoff import signatures
from handoff.exceptions import BotGone, BotRejected, BotUnavailable
from servicenow_auth import transport
from servicenow_auth.answers import retry_after
from servicenow_auth.exceptions import Ambiguous, NotSent

# The endpoint as a whole is in trouble, not this event.
UNAVAILABLE = {408, 409, 425, 429}


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """Where a bot listens; `trusted`: the operator listed its origin."""

    url: str
    secrets: list[str]
    trusted: bool


def post(
    endpoint: Endpoint,
    payload: dict[str, Any],
    *,
    deadline: float,
    send_before: float,
    session: transport.Session,
) -> None:
    """Deliver one event; every attempt carries the same `webhook-id`.

    Standard Webhooks: 2xx is success, a redirect a failure, 410 switches it off.
    """
    body = json.dumps(payload, ensure_ascii=False).encode()
    signed = signatures.headers(
        secrets=endpoint.secrets,
        message_id=payload["id"],
        timestamp=int(time.time()),
        body=body,
    )
    try:
        answer = transport.send(
            "POST",
            endpoint.url,
            headers={"Content-Type": "application/json", **signed},
            body=body,
            deadline=deadline,
            send_before=send_before,
            trusted=endpoint.trusted,
            session=session,
        )
    except (NotSent, Ambiguous) as exc:
        raise BotUnavailable(exc.detail) from exc
    _check(answer)


def _check(answer: transport.Answer) -> None:
    status = answer.status
    if 200 <= status < 300:
        return
    if status == 410:
        raise BotGone("The webhook answered 410.")
    if status in UNAVAILABLE or status >= 500:
        wait = retry_after(answer.headers)
        raise BotUnavailable(f"The webhook answered {status}.", retry_after=wait)
    raise BotRejected(f"The webhook answered {status}.")
