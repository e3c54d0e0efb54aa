"""The cast: Alice develops the bots of one group, Bob those of another, Olga all."""

from html import unescape
from typing import Any

from django.contrib.auth.models import Group, User
from django.test import Client
from django.urls import reverse

from handoff import services
from handoff.models import Bot
from handoff.models.agent_chat import default_phrases
from handoff.models.bot import ATTACHMENT_TYPES
from servicenow_auth import services as connections
from servicenow_auth.models import ConnectionRuntime, State

HOST = "https://example.service-now.com"
WHO_AM_I = f"{HOST}/api/now/table/sys_user"
QUEUE = "5a0c1e8fb2d34f6790a1c3e5d7f90b12"
ME = {"sys_id": "a" * 32, "user_name": "chatbot.interface", "name": "Chatbot"}

# What a browser sends for an untouched page of a new bot.
FORM: dict[str, Any] = {
    "name": "Shop",
    "slug": "shop",
    "chat_system": "connect_support",
    "host_url": HOST,
    "authorization_type": "basic",
    "user_name": "chatbot.interface",
    "password": "",
    "client_id": "",
    "client_secret": "",
    "refresh_token": "",
    "queue_id": QUEUE,
    "webhook_url": "",
    "callback_authentication": "signature",
    "start_strategy": "create",
    "app_inbound_id": "",
    "message_auth": "none",
    "message_secret": "",
    "queue_mode": "context",
    "queue_variable": "liveagent_queue_id",
    "answer_seconds": "60",
    **{
        f"phrases_{kind}": "\r\n".join(phrases)
        for kind, phrases in default_phrases().items()
    },
    "max_attachments": "5",
    "max_attachment_megabytes": "10",
    "attachment_types": "\r\n".join(ATTACHMENT_TYPES),
    "send_transcript": "on",
    "other_texts": "{}",
    "wait_minutes": "30",
    "idle_minutes": "30",
    "handoffs_per_hour": "5",
    "without_agent": "bot",
    "assignment_group": "",
    "owner_group": "",
}


def developer(name: str, *, group: Group) -> User:
    user = User.objects.create_user(name, is_staff=True)
    user.groups.add(group)
    return user


def make_bot(name: str, *, group: Group | None = None) -> Bot:
    """Return a bot with Basic Auth, ready but not enabled."""
    connection = connections.create_connection(owner_group=group)
    connections.configure(
        connection,
        host_url=HOST,
        authorization_type="basic",
        user_name="chatbot.interface",
        client_id="",
        password="the-password",
    )
    ConnectionRuntime.objects.filter(connection=connection).update(
        state=State.READY, user_sys_id=ME["sys_id"], user_name=ME["user_name"]
    )
    bot = Bot.objects.create(
        name=name,
        slug=name.lower(),
        connection=connection,
        queue_id=QUEUE,
        owner_group=group,
    )
    services.prepare_bot(bot=bot)
    return bot


class Admin:
    """One person's browser in the admin."""

    def __init__(self, user: User) -> None:
        self.client = Client()
        self.client.force_login(user)

    def get(self, name: str, /, *args: Any, **query: Any) -> Any:
        return self.client.get(reverse(f"admin:{name}", args=args), query)

    def post(self, name: str, /, *args: Any, **data: Any) -> Any:
        return self.client.post(reverse(f"admin:{name}", args=args), data)

    def add_bot(self, **changes: Any) -> Any:
        return self.post("handoff_bot_add", **_sent(changes))

    def save_bot(self, bot: Bot, **changes: Any) -> Any:
        """Submit the bot's page as it was made by `make_bot`, with these changes."""
        stored = {"name": bot.name, "slug": bot.slug}
        if bot.owner_group:
            stored["owner_group"] = str(bot.owner_group.pk)
        return self.post("handoff_bot_change", bot.pk, **_sent(stored | changes))


def _sent(changes: dict[str, Any]) -> dict[str, Any]:
    return {
        name: value for name, value in {**FORM, **changes}.items() if value is not None
    }


def page(response: Any) -> str:
    return unescape(response.content.decode())


def told(response: Any) -> list[str]:
    """Return the messages for the person, as the next page shows them."""
    return [str(message) for message in response.wsgi_request._messages]
