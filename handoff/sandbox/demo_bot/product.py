"""The wire to the product: its REST API, and the signatures of its webhooks."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import requests
from standardwebhooks import Webhook
from standardwebhooks.webhooks import EmptyWebhookSecretError, WebhookVerificationError

from handoff.sandbox.demo_bot import settings
from handoff.sandbox.demo_bot.models import File, Setup

TIMEOUT = (3, 10)
# 401 and 403: the key may be replaced at any time, and the message must not be lost.
RETRIED = {401, 403, 408, 425, 429}
# A 429 too, but no user waits for an hour to be told so.
LOOP = "handoff_loop"


class ProductError(Exception):
    """Root of what a call can end in, other than success."""


class Unavailable(ProductError):
    """Nothing is decided: the same call has to be made again, with the same id."""

    def __init__(self, reason: str, *, retry_after: int = 0) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


class Refused(ProductError):
    """The product said no, and would say it again; `detail` is for people."""

    def __init__(self, *, status: int, code: str, detail: str = "") -> None:
        super().__init__(f"{status} {code}")
        self.status = status
        self.code = code
        self.detail = detail

    @property
    def handoff_is_over(self) -> bool:
        return self.status == 404 or self.code == "handoff_closed"


class BadSignature(Exception):
    """The webhook is not from the product, or its clock is far from ours."""


@dataclass(frozen=True, kw_only=True)
class Started:
    """`message_sent` is false when the conversation was with an agent already."""

    handoff_id: str
    message_sent: bool


def start_handoff(body: dict[str, Any]) -> Started:
    """Ask for an agent."""
    answer = _post("/api/v1/handoffs", body)
    if not isinstance(answer.get("id"), str):
        raise Unavailable("the answer has no id")
    return Started(
        handoff_id=answer["id"], message_sent=answer.get("message_sent", True)
    )


def send_message(*, handoff_id: str, body: dict[str, Any]) -> None:
    """Pass one message on to the agent."""
    _post(f"/api/v1/handoffs/{handoff_id}/messages", body)


def upload(file: File) -> str:
    """Return the id of the attachment that the product made of the file."""
    part = (file.name, bytes(file.content), file.content_type)
    answer = _read(_call("/api/v1/attachments", files={"file": part}))
    if not isinstance(answer.get("id"), str):
        raise Unavailable("the answer has no id")
    return str(answer["id"])


def set_typing(*, handoff_id: str, typing: bool) -> None:
    """Tell whether the user types: once, since nothing is as soon out of date."""
    with suppress(Unavailable):
        _call(f"/api/v1/handoffs/{handoff_id}/typing", json={"typing": typing})


def end_handoff(*, handoff_id: str, body: dict[str, Any]) -> None:
    """Say that the user has left."""
    _post(f"/api/v1/handoffs/{handoff_id}/end", body)


def check_secret(secret: str) -> None:
    """Raise ValueError unless webhooks can be verified with it."""
    try:
        Webhook(secret)
    except EmptyWebhookSecretError as exc:
        raise ValueError("the secret is empty") from exc


def verify(*, secret: str, body: bytes, headers: Mapping[str, str]) -> object:
    """Return the JSON of a signed webhook, or raise BadSignature."""
    try:
        payload: object = Webhook(secret).verify(body, dict(headers))
    # A malformed header or body surfaces from the library as some ValueError.
    except (WebhookVerificationError, ValueError) as exc:
        raise BadSignature(type(exc).__name__) from exc
    return payload


def _post(path: str, body: dict[str, Any]) -> dict[str, Any]:
    return _read(_call(path, json=body))


def _call(path: str, **content: Any) -> requests.Response:
    setup = Setup.objects.first()
    if setup is None:
        raise Unavailable("no API key yet")
    with requests.Session() as session:
        session.trust_env = False  # a proxy of the machine's cannot reach loopback
        try:
            return session.post(
                settings.PRODUCT_URL + path,
                headers={"Authorization": f"Bearer {setup.api_key}"},
                timeout=TIMEOUT,
                allow_redirects=False,
                **content,
            )
        except requests.RequestException as exc:
            raise Unavailable(type(exc).__name__) from exc


def _read(response: requests.Response) -> dict[str, Any]:
    """Believe only the product itself: an answer without its JSON decides nothing."""
    answer = _json_object(response)
    status = response.status_code
    if answer is not None and 200 <= status < 300:
        return answer
    code = str((answer or {}).get("code", "unknown"))
    again = status in RETRIED and code != LOOP
    if answer is not None and 400 <= status < 500 and not again:
        detail = str(answer.get("detail", ""))
        raise Refused(status=status, code=code, detail=detail)
    raise Unavailable(f"HTTP {status}", retry_after=_retry_after(response))


def _json_object(response: requests.Response) -> dict[str, Any] | None:
    try:
        answer = response.json()
    except ValueError:
        return None
    return answer if isinstance(answer, dict) else None


def _retry_after(response: requests.Response) -> int:
    value = response.headers.get("Retry-After", "")
    return int(value) if value.isdecimal() else 0
