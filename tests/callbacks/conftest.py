import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from standardwebhooks import Webhook

from handoff import services
from handoff.models import Bot, SigningSecret
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
