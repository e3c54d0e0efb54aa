"""An instance that wants no calls, or is asleep: who calls it meanwhile, and after."""

import json
import re
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils.timezone import now

from handoff import doorbell, relay, services
from handoff.models import Bot, BotRuntime, Handoff, Lane, Outgoing
from handoff.models.lane import UNSETTLED
from handoff.relay import due
from servicenow_auth import services as auth
from servicenow_auth.models import AuthorizationType, ConnectionRuntime, State
from tests.relay.conftest import HOST, QUEUE, WEBHOOK, message, post, to_bot
from tests.relay.reading_back import OPENING, US, settle

# What is woken is woken after a commit.
pytestmark = [pytest.mark.both_databases, pytest.mark.django_db(transaction=True)]
OTHER_HOST = "https://dev2.service-now.com"
PAGE = "<html><title>Instance Hibernating page</title></html>"
PAST = timedelta(seconds=-1)


class Servant:
    """An instance that keeps what is posted, unless it is told to answer otherwise."""

    def __init__(self, http: Any, *, host: str = HOST) -> None:
        self.calls: list[str] = []
        self.rows: list[dict[str, Any]] = []
        self.answer: tuple[int, dict[str, str], str] | None = None
        self.meanwhile: Callable[[], object] = lambda: None
        messages = re.compile(rf"{host}/api/now/connect/conversations/\w+/messages")
        http.assert_all_requests_are_fired = False
        for method in ("GET", "POST"):
            http.add_callback(method, messages, callback=self._take)

    def said(self, handoff: Handoff) -> list[str]:
        shown = [row for row in self.rows if row["group"] == handoff.group_id]
        return [row["formatted_message"] for row in shown]

    def _take(self, request: Any) -> tuple[int, dict[str, str], str]:
        self.calls.append(request.url)
        self.meanwhile()
        if self.answer:
            return self.answer
        group = request.url.split("/")[-2]
        if request.method == "GET":
            shown = [row for row in self.rows if row["group"] == group]
            return 200, {}, json.dumps({"result": [*shown[::-1], OPENING]})
        text = json.loads(request.body)["message"]
        row = message(f"{len(self.rows) + 1:032x}", text, **US, group=group)
        self.rows.append(row)
        return 200, {}, json.dumps({"result": row})


@pytest.fixture(autouse=True)
def worker(monkeypatch):
    """Do at once what a sweep rings for, and only that: the test is the worker."""

    def ring(task: str, *args: Any, **_: Any) -> None:
        if task == "drain_lane":
            relay.drain(*args)

    monkeypatch.setattr(doorbell, "ring", ring)
    monkeypatch.setattr(doorbell, "ring_lane", lambda _lane_id: None)


def open_handoffs(bot: Bot, count: int) -> list[Handoff]:
    """Return so many handoffs that ServiceNow has, each with two messages to go."""
    opened = []
    for number in range(count):
        request = services.StartRequest(
            conversation_id=f"c-{number}", message="My door is jammed."
        )
        handoff = services.start_handoff(bot=bot, request=request).handoff
        Outgoing.objects.filter(lane__handoff=handoff).update(
            state="sent", attempts=1, settled_at=now()
        )
        handoff.group_id, handoff.state = f"{number:032x}", "queued"
        handoff.save()
        post(handoff, "one", "two")
        opened.append(handoff)
    return opened


def other_bot() -> Bot:
    connection = auth.create_connection(owner_group=None)
    auth.configure(
        connection,
        host_url=OTHER_HOST,
        authorization_type=AuthorizationType.BASIC,
        user_name="chatbot.interface",
        client_id="",
        password="correct horse",
    )
    ConnectionRuntime.objects.filter(pk=connection.pk).update(state=State.READY)
    bot = Bot.objects.create(
        name="Bank", slug="bank", enabled=True, connection=connection, queue_id=QUEUE
    )
    services.prepare_bot(bot=bot)
    return Bot.objects.get(pk=bot.pk)


def unsettled() -> bool:
    return Outgoing.objects.filter(state__in=UNSETTLED).exists()


def sweep() -> None:
    """Let all waits be over but the pause, and do what is due."""
    Lane.objects.filter(wake_at__isnull=False).update(wake_at=now() + PAST)
    due.sweep()


def end_pause(bot: Bot) -> None:
    ConnectionRuntime.objects.filter(connection=bot.connection).update(
        paused_until=now() + PAST
    )


def test_after_a_429_an_instance_is_not_called_before_its_time(http, bot):
    """Others are, meanwhile; and what waited goes in its order."""
    throttled = Servant(http)
    other = Servant(http, host=OTHER_HOST)
    handoffs = open_handoffs(bot, 3)
    throttled.answer = 429, {"Retry-After": "600"}, "{}"
    sweep()
    left = ConnectionRuntime.objects.get().paused_until - now()
    assert timedelta(seconds=500) < left <= timedelta(seconds=600)

    throttled.answer = None
    elsewhere = open_handoffs(other_bot(), 1)[0]
    for _ in range(3):
        sweep()
    assert other.said(elsewhere) == ["one", "two"]
    assert len(throttled.calls) == 1

    end_pause(bot)
    for _ in range(2):
        sweep()
    assert [throttled.said(handoff) for handoff in handoffs] == [["one", "two"]] * 3
    assert not unsettled()


@pytest.mark.parametrize("status", [200, 302, 503])
def test_a_hibernating_instance_is_left_alone_and_found_awake_by_one(http, bot, status):
    instance = Servant(http)
    handoffs = open_handoffs(bot, 8)
    instance.answer = status, {}, PAGE
    # For some minutes by now: its pauses are longer than this test.
    ConnectionRuntime.objects.update(failures=8)

    for _ in range(3):
        sweep()
    assert len(instance.calls) == 1
    items = Outgoing.objects.filter(kind="message")
    assert not items.filter(state="sent").exists()

    end_pause(bot)
    sweep()
    assert len(instance.calls) == 2
    runtime = ConnectionRuntime.objects.get()
    assert runtime.paused_until - now() > timedelta(seconds=30)

    instance.answer = None
    settle()
    end_pause(bot)
    for _ in range(3):
        sweep()
    assert not unsettled()
    assert [instance.said(handoff) for handoff in handoffs] == [["one", "two"]] * 8


def pause() -> None:
    ConnectionRuntime.objects.update(paused_until=now() + timedelta(minutes=5))


def test_a_pause_that_comes_during_a_call_lets_no_other_follow(http, bot):
    instance = Servant(http)
    handoff = open_handoffs(bot, 1)[0]
    instance.meanwhile = pause

    for _ in range(3):
        sweep()
    assert instance.said(handoff) == ["one"]

    instance.meanwhile = lambda: None
    end_pause(bot)
    sweep()
    assert instance.said(handoff) == ["one", "two"]


def test_a_webhook_paused_during_a_call_gets_no_other_event(http, webhook_bot):
    handoff = open_handoffs(webhook_bot, 1)[0]
    Servant(http)
    due.sweep()
    seen: list[int] = []

    def take(request: Any) -> tuple[int, dict[str, str], str]:
        seen.append(json.loads(request.body)["sequence"])
        until = now() + timedelta(minutes=5)
        BotRuntime.objects.update(webhook_paused_until=until, webhook_failures=1)
        return 204, {}, ""

    http.add_callback("POST", WEBHOOK, callback=take)
    for _ in range(3):
        Lane.objects.filter(wake_at__isnull=False).update(wake_at=now() + PAST)
        relay.drain(to_bot(handoff).pk)
    assert seen == [1]

    BotRuntime.objects.update(webhook_paused_until=now() + PAST)
    Lane.objects.filter(wake_at__isnull=False).update(wake_at=now() + PAST)
    relay.drain(to_bot(handoff).pk)
    assert seen == [1, 2]
