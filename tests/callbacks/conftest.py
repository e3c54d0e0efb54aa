import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import pytest
from django.test import Client
from standardwebhooks import Webhook

from handoff import services
from handoff.models import Bot, SigningSecret
from handoff.models.bot import CallbackAuthentication
from tests.api.bots import make_bot

MESSAGE = {
    "event": "message",
    "instance": "dev12345",
    "group": "c3" * 16,
    "sys_id": "e5" * 16,
    "formatted_message": "Hello, how can I help?",
    "sys_created_by": "beth.anglin",
}
FIVE_KEYS = {
    "group": "c3" * 16,
    "formatted_message": "Hello %3cb%3e",
    "sys_created_by": "beth.anglin",
    "last_message": "true",
    "sys_id": "e5" * 16,
}


def encode(body: Any) -> bytes:
    return body if isinstance(body, bytes) else json.dumps(body).encode()


def call(url: str, body: Any = MESSAGE, **headers: str) -> Any:
    return Client(raise_request_exception=False).generic(
        "POST",
        url,
        encode(body),
        content_type="application/json",
        headers={name.replace("_", "-"): value for name, value in headers.items()},
    )


def signed(
    secret: str, body: Any = MESSAGE, *, message_id: str = "msg_1", age: int = 0
) -> dict[str, str]:
    """Return the headers that an independent implementation gives."""
    at = datetime.now(UTC) - timedelta(seconds=age)
    text = encode(body).decode(errors="surrogateescape")
    return {
        "webhook_id": message_id,
        "webhook_timestamp": str(int(at.timestamp())),
        "webhook_signature": Webhook(secret).sign(message_id, at, text),
    }


def static_header(secret: str) -> dict[str, str]:
    return {"X_Handoff_Secret": secret}


def basic(secret: str) -> dict[str, str]:
    pair = base64.b64encode(f"servicenow:{secret}".encode()).decode()
    return {"Authorization": f"Basic {pair}"}


def knock(authentication: str, url: str, *, secret: str, body: Any = MESSAGE) -> Any:
    """Call as a ServiceNow would that was given this secret."""
    match authentication:
        case CallbackAuthentication.SIGNATURE:
            return call(url, body, **signed(secret, body))
        case CallbackAuthentication.HEADER:
            return call(url, body, **static_header(secret))
        case CallbackAuthentication.BASIC:
            return call(url, body, **basic(secret))
        case _:
            return call(f"{url}?{urlencode({'secret': secret})}", body)


@pytest.fixture
def bot(db) -> Bot:
    return make_bot()


@pytest.fixture
def url(bot: Bot) -> str:
    return f"/servicenow/callback/{bot.callback_id}/"


@pytest.fixture
def secret(bot: Bot) -> str:
    return new_secret(bot)


def new_secret(bot: Bot) -> str:
    purpose = SigningSecret.Purpose.CALLBACK
    return services.new_signing_secret(bot=bot, purpose=purpose).reveal()
