import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils.timezone import now

from handoff import relay, services
from handoff.models import (
    Bot,
    BotRuntime,
    Event,
    Handoff,
    Lane,
    Outgoing,
    SigningSecret,
)
from handoff.models.agent_chat import StartStrategy
from handoff.models.bot import ChatSystem
from handoff.models.lane import Direction
from servicenow_auth import services as auth
from servicenow_auth.models import AuthorizationType, ConnectionRuntime, State

HOST = "https://dev1.service-now.com"
QUEUE = "b" * 32
GROUP = "c" * 32
ENTRY = "a" * 32
AGENT = "d" * 32
SESSIONS = f"{HOST}/api/now/connect/support/queues/{QUEUE}/sessions"
STATE = f"{HOST}/api/now/connect/support/sessions"
MESSAGES = f"{HOST}/api/now/connect/conversations/{GROUP}/messages"
LIVE_MESSAGES = f"{HOST}/api/now/table/live_message"
ENTRIES = f"{HOST}/api/now/table/chat_queue_entry"
LEAVE = f"{HOST}/api/now/connect/support/sessions/{GROUP}/leave"
VIRTUAL_AGENT = f"{HOST}/api/sn_va_as_service/bot/integration"
WEBHOOK = "https://bot.example.org/webhook"
ENVELOPE = {"error": {"message": "no", "detail": None}, "status": "failure"}


@pytest.fixture
def bot(db) -> Bot:
    """A bot that is authorized and reads the feed."""
    connection = auth.create_connection(owner_group=None)
    auth.configure(
        connection,
        host_url=HOST,
        authorization_type=AuthorizationType.BASIC,
        user_name="chatbot.interface",
        client_id="",
        password="correct horse",
    )
    ConnectionRuntime.objects.filter(pk=connection.pk).update(
        state=State.READY, user_name="chatbot.interface", user_sys_id="f" * 32
    )
    bot = Bot.objects.create(
        name="Shop", slug="shop", enabled=True, connection=connection, queue_id=QUEUE
    )
    services.prepare_bot(bot=bot)
    return Bot.objects.select_related("connection__runtime").get(pk=bot.pk)


@pytest.fixture
def webhook_bot(bot: Bot) -> Bot:
    bot.webhook_url = WEBHOOK
    bot.save(update_fields=["webhook_url"])
    services.new_signing_secret(bot=bot, purpose=SigningSecret.Purpose.WEBHOOK)
    return bot


@pytest.fixture
def handoff(bot: Bot) -> Handoff:
    """A handoff that is accepted by us, not yet by ServiceNow."""
    request = services.StartRequest(conversation_id="c-1", message="My door is jammed.")
    return services.start_handoff(bot=bot, request=request).handoff


@pytest.fixture
def running(handoff: Handoff) -> Handoff:
    """A handoff that ServiceNow has, waiting in the queue."""
    start = Outgoing.objects.get(lane__handoff=handoff)
    start.state, start.settled_at, start.attempts = "sent", now(), 1
    start.save()
    Lane.objects.filter(handoff=handoff).update(wake_at=None)
    handoff.group_id, handoff.entry_id, handoff.state = GROUP, ENTRY, "queued"
    handoff.poll_at = now() - timedelta(seconds=1)
    handoff.save()
    return handoff


@pytest.fixture
def due(running: Handoff) -> Handoff:
    """A handoff in the queue whose bot's read is due, and nothing else."""
    Handoff.objects.update(poll_at=None, position=1)
    BotRuntime.objects.update(reconcile_at=now() - timedelta(seconds=1))
    return running


@pytest.fixture
def chat_bot(bot: Bot) -> Bot:
    """The same bot on Agent Chat, started at once."""
    bot.chat_system = ChatSystem.AGENT_CHAT
    bot.queue_id = "support"
    bot.save(update_fields=["chat_system", "queue_id"])
    bot.agent_chat.start_strategy = StartStrategy.START
    bot.agent_chat.save(update_fields=["start_strategy"])
    return Bot.objects.select_related("connection__runtime").get(pk=bot.pk)


@pytest.fixture
def chat(http, chat_bot: Bot) -> Handoff:
    """A handoff that ServiceNow has taken, and not spoken of yet."""
    request = services.StartRequest(conversation_id="c-1", message="My door is jammed.")
    handoff = services.start_handoff(bot=chat_bot, request=request).handoff
    http.post(VIRTUAL_AGENT, json={"status": "success"})
    relay.drain(to_servicenow(handoff).pk)
    return handoff


def let_go(http: Any, **answer: Any) -> None:
    """Let the conversation be read a last time, and then be left."""
    http.get(MESSAGES, json={"result": []})
    http.post(LEAVE, **(answer or {"json": {"result": entry(8)}}))


def entry(state: int = 1, **fields: Any) -> dict[str, Any]:
    """A chat_queue_entry as Connect's JSON shows it."""
    row = {"sys_id": ENTRY, "group": GROUP, "queue": QUEUE, "number": "CHAT0010042"}
    return row | {"state": state, "position": 1, "assigned_to": ""} | fields


def message(sys_id: str, text: str, **fields: Any) -> dict[str, Any]:
    """A live_message as Connect's JSON shows it."""
    row: dict[str, Any] = {"sys_id": sys_id, "group": GROUP, "formatted_message": text}
    row |= {"created_by": "beth", "sender_name": "Beth", "timestamp": 1_790_000_000_000}
    return row | fields


def to_servicenow(handoff: Handoff) -> Lane:
    return Lane.objects.get(handoff=handoff, direction=Direction.TO_SERVICENOW)


def drain(handoff: Handoff) -> None:
    """Let the wait of its lane to ServiceNow be over, and drain it."""
    lane = to_servicenow(handoff)
    Lane.objects.filter(pk=lane.pk).update(wake_at=now() - timedelta(seconds=1))
    relay.drain(lane.pk)
    handoff.refresh_from_db()


def to_bot(handoff: Handoff) -> Lane:
    return Lane.objects.get(handoff=handoff, direction=Direction.TO_BOT)


def drain_to_bot(handoff: Handoff) -> None:
    """Let the waits of its lane to the bot be over, and drain it."""
    Lane.objects.filter(handoff=handoff).update(wake_at=now() - timedelta(seconds=1))
    BotRuntime.objects.update(webhook_paused_until=None)
    relay.drain(to_bot(handoff).pk)


def events(handoff: Handoff) -> list[str]:
    ordered = Event.objects.filter(handoff=handoff).order_by("sequence")
    return list(ordered.values_list("type", flat=True))


def post(handoff: Handoff, *texts: str) -> None:
    for text in texts:
        new = services.NewMessage(id=f"m-{text[:40]}", text=text)
        services.post_message(handoff_id=handoff.pk, bot=handoff.bot, message=new)


def bodies(http) -> list[str]:
    """Return the texts that were posted to ServiceNow."""
    return [json.loads(call.request.body).get("message") for call in http.calls]


def states(handoff: Handoff) -> list[str]:
    """Return the states of the items to ServiceNow, in order."""
    items = Outgoing.objects.filter(lane__handoff=handoff).order_by("sequence")
    return list(items.values_list("state", flat=True))


def row(shown: dict[str, Any]) -> dict[str, Any]:
    """A message or an entry of Connect's JSON as the Table API shows it."""
    if "timestamp" in shown:
        written = datetime.fromtimestamp(shown["timestamp"] // 1000, tz=UTC)
        names = ("sys_id", "group", "formatted_message")
        told = {name: shown[name] for name in names}
        return told | {
            "sys_created_by": shown["created_by"],
            "sys_created_on": f"{written:%Y-%m-%d %H:%M:%S}",
            "profile.name": shown["sender_name"],
        }
    return {name: str(value) for name, value in shown.items() if name != "position"}
