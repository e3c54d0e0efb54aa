"""Bots that are ready to hand over, and what calls the API as one of them."""

import json
from typing import Any

from django.test import Client

from handoff import services
from handoff.models import Bot
from servicenow_auth.models import ConnectionRuntime, State
from servicenow_auth.services import create_connection

QUEUE = "a" * 32
API = "/api/v1"


def make_bot(name: str = "Shop") -> Bot:
    connection = create_connection(owner_group=None)
    ConnectionRuntime.objects.filter(connection=connection).update(state=State.READY)
    bot = Bot.objects.create(
        name=name,
        slug=name.lower(),
        enabled=True,
        connection=connection,
        queue_id=QUEUE,
    )
    services.prepare_bot(bot=bot)
    return bot


class Api:
    """Calls as a bot would; a fault of ours is a 500 and no exception."""

    def __init__(self, *, key: str = "", **defaults: Any) -> None:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self.client = Client(raise_request_exception=False, headers=headers, **defaults)

    def get(self, path: str, **query: Any) -> Any:
        return self.client.get(API + path, query)

    def post(self, path: str, body: Any = None, **query: Any) -> Any:
        return self.send(path, json.dumps(body or {}), **query)

    def send(self, path: str, body: str | bytes, **query: Any) -> Any:
        return self.client.post(
            API + path, body, content_type="application/json", query_params=query
        )


def api_of(bot: Bot) -> Api:
    return Api(key=services.create_api_key(bot=bot)[1])
