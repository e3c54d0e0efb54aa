"""What a measurement needs in the product's database, made from within the product.

Each function prints one line of JSON for the process that asked.
"""

import json
import sys
from collections.abc import Callable
from functools import partial
from statistics import median
from typing import Any
from uuid import uuid4

from django.core.management.base import CommandError
from django.db import connection, transaction
from django.test import Client

from bench.doors import Callbacks, Handoffs
from bench.load import Call
from handoff import relay, services
from handoff.models import Bot, Handoff, Lane, SigningSecret
from handoff.models.lane import Direction
from servicenow_auth.models import Connection, ConnectionRuntime, State
from servicenow_auth.services import configure, create_connection

DML = ("SELECT", "INSERT", "UPDATE", "DELETE")


def make_bots(origins: list[str]) -> None:
    """Make a bot for each address, authorized there; print how to call as it."""
    print_line([_describe(make_bot(origin)) for origin in origins])


@transaction.atomic
def make_bot(origin: str) -> Bot:
    slug = f"bench-{uuid4().hex[:12]}"
    bot = Bot.objects.create(
        name=slug,
        slug=slug,
        enabled=True,
        connection=_authorized(origin),
        queue_id=uuid4().hex,
    )
    services.prepare_bot(bot=bot)
    # As the database has it: what was read on the way is older.
    return Bot.objects.get(pk=bot.pk)


def _authorized(origin: str) -> Connection:
    made = create_connection(owner_group=None)
    configure(
        made,
        host_url=origin,
        authorization_type="basic",
        user_name="integration",
        client_id="",
        password="password",  # noqa: S106 - of a stand-in
    )
    runtime = ConnectionRuntime.objects.filter(connection=made)
    runtime.update(state=State.READY, user_name="integration")
    return made


def _describe(bot: Bot) -> dict[str, str]:
    purpose = SigningSecret.Purpose.CALLBACK
    secret = services.new_signing_secret(bot=bot, purpose=purpose)
    return {
        "key": services.create_api_key(bot=bot)[1],
        "callback_id": bot.callback_id,
        "callback_secret": secret.reveal(),
    }


def count_statements(origin: str) -> None:
    """Print what a message, a callback and each of 20 deliveries take."""
    bot = make_bot(origin)
    described = _describe(bot)
    client = Client(SERVER_NAME="127.0.0.1")
    handoff, lane = _open_handoff(bot)
    handoffs = Handoffs(0, [str(handoff.pk)], [described["key"]])
    path = f"/servicenow/callback/{bot.callback_id}/"
    callbacks = Callbacks(0, path, [handoff.group_id], described["callback_secret"])
    counts = [
        [_count(partial(_send, client, door.call(number))) for number in range(20)]
        for door in (handoffs, callbacks)
    ]
    delivered = _count(partial(relay.drain, lane.pk)) / 20
    print_line([*(median(each) for each in counts), delivered])


def _open_handoff(bot: Bot) -> tuple[Handoff, Lane]:
    request = services.StartRequest(conversation_id="c", message="Help")
    handoff = services.start_handoff(bot=bot, request=request).handoff
    lane = Lane.objects.get(handoff=handoff, direction=Direction.TO_SERVICENOW)
    relay.drain(lane.pk)
    handoff.refresh_from_db()
    return handoff, lane


def _send(client: Client, call: Call) -> None:
    answer = client.post(
        call.path, call.body, "application/json", headers=dict(call.headers)
    )
    if answer.status_code != 202:
        raise CommandError(f"{call.path} answered {answer.status_code}")


def _count(act: Callable[[], object]) -> int:
    """Return how many SELECT and DML statements it makes."""
    seen: list[str] = []

    def see(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        seen.append(sql)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(see):
        act()
    return sum(sql.startswith(DML) for sql in seen)


def print_line(content: object) -> None:
    sys.stdout.write(json.dumps(content) + "\n")
