"""A handoff of this process whose agent sits at a sandbox, which shows what arrived."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from typing import Any

from django.db.models.functions import Now

from handoff import relay, services
from handoff.models import Bot, Handoff, Lane, Outgoing
from handoff.models.lane import UNSETTLED
from servicenow_auth import services as auth
from servicenow_auth.models import AuthorizationType, ConnectionRuntime
from tests.relay.conftest import events, states, to_servicenow
from tests.sandbox.instance import BOT, QUEUE, Instance, eventually

QUESTION = "Can you help me?"
PATIENCE = 60.0
A_MOMENT_AGO = timedelta(seconds=1)


@dataclass(frozen=True)
class Chat:
    """`handoff` is open at the instance; what it says is the user's."""

    handoff: Handoff
    instance: Instance
    _numbers: "count[int]" = field(default_factory=count)

    def say(self, *texts: str) -> None:
        for text in texts:
            new = services.NewMessage(id=f"m-{next(self._numbers)}", text=text)
            services.post_message(
                handoff_id=self.handoff.pk, bot=self.handoff.bot, message=new
            )

    def drain(self) -> None:
        """Drain the lane now, whatever it waits for."""
        lane = to_servicenow(self.handoff)
        Lane.objects.filter(pk=lane.pk).update(wake_at=Now() - A_MOMENT_AGO)
        ConnectionRuntime.objects.update(paused_until=None)
        relay.drain(lane.pk)

    def drain_until_settled(self) -> None:
        self.drain_until(lambda: not self.unsettled.exists())

    def drain_until(self, happened: Callable[[], bool]) -> None:
        """Drain over and over: an owner who may not send yet is asked all the same."""
        end = time.monotonic() + PATIENCE
        while not happened():
            assert time.monotonic() < end, self.unsettled.values()
            self.drain()
            time.sleep(0.05)

    @property
    def unsettled(self) -> Any:
        items = Outgoing.objects.filter(lane__handoff=self.handoff)
        return items.filter(state__in=UNSETTLED)

    @property
    def states(self) -> list[str]:
        """Return the states of the messages, in order."""
        return states(self.handoff)[1:]

    @property
    def events(self) -> list[str]:
        told = events(self.handoff)
        return [name for name in told if name.startswith("message.")]

    def seen(self) -> list[str]:
        """Return what the agent sees the user saying after the question."""
        query = f"group={self.handoff.group_id}^sys_created_by={BOT[0]}"
        rows = self.instance.table("live_message", sysparm_query=query)
        return [row["message"] for row in rows][1:]

    def posts(self, count: int) -> list[dict[str, Any]]:
        """Return the instance's log of so many posted messages, as they came in."""
        path = f"/api/now/connect/conversations/{self.handoff.group_id}/messages"

        def logged() -> list[dict[str, Any]]:
            calls = self.instance.calls(path=path, method="POST")["calls"]
            return sorted(calls, key=began) if len(calls) >= count else []

        # A call is logged when it is over, for us or not.
        calls = eventually(logged)
        assert len(calls) == count
        return calls


def began(call: dict[str, Any]) -> datetime:
    """Return when a call of the log came in."""
    ended = datetime.fromisoformat(call["at"])
    return ended - timedelta(milliseconds=call["milliseconds"])


def open_bot(instance: Instance, settings: Any) -> Bot:
    """Make a bot that is authorized at the instance by its user's password."""
    settings.SERVICENOW_EXTRA_ORIGINS = [instance.url]
    connection = auth.create_connection(owner_group=None)
    auth.configure(
        connection,
        host_url=instance.url,
        authorization_type=AuthorizationType.BASIC,
        user_name=BOT[0],
        client_id="",
        password=BOT[1],
    )
    auth.who_am_i(connection)
    bot = Bot.objects.create(
        name="Shop", slug="shop", enabled=True, connection=connection, queue_id=QUEUE
    )
    services.prepare_bot(bot=bot)
    return Bot.objects.select_related("connection__runtime").get(pk=bot.pk)


def open_chat(instance: Instance, bot: Bot, *, conversation_id: str = "c-1") -> Chat:
    request = services.StartRequest(conversation_id=conversation_id, message=QUESTION)
    handoff = services.start_handoff(bot=bot, request=request).handoff
    relay.drain(to_servicenow(handoff).pk)
    handoff.refresh_from_db()
    assert handoff.group_id
    return Chat(handoff, instance)
