from collections.abc import Callable, Iterator
from typing import Any

import pytest

from handoff.chat_systems.agent_chat import AgentChat
from handoff.chat_systems.values import Conversation
from handoff.models import AgentChatConfiguration, Bot
from servicenow_auth import services as auth
from servicenow_auth.client import Instance
from servicenow_auth.fields import Secret
from servicenow_auth.models import AuthorizationType
from tests.chat_systems.wire import GROUP, HOST


@pytest.fixture
def configuration(db) -> AgentChatConfiguration:
    """A bot's Agent Chat, as it comes."""
    connection = auth.create_connection(owner_group=None)
    auth.configure(
        connection,
        host_url=HOST,
        authorization_type=AuthorizationType.BASIC,
        user_name="chatbot.interface",
        client_id="",
        password="correct horse",
    )
    bot = Bot.objects.create(
        name="Shop", slug="shop", chat_system="agent_chat", connection=connection
    )
    return AgentChatConfiguration.objects.create(bot=bot)


@pytest.fixture
def agent_chat(configuration) -> Iterator[Callable[..., AgentChat]]:
    """Agent Chat on an open instance, with the configuration that a test needs."""
    with Instance(configuration.bot.connection) as instance:

        def configured(*, secret: str = "", **fields: Any) -> AgentChat:
            for name, value in fields.items():
                setattr(configuration, name, value)
            configuration.message_secret = Secret(secret) if secret else None
            configuration.save()
            return AgentChat(Bot.objects.get(), instance)

        yield configured


@pytest.fixture
def there() -> Conversation:
    user = {"id": "u-17", "name": "Ada", "email": "ada@example.com"}
    return Conversation(group_id=GROUP, user=user, language="de-CH")
