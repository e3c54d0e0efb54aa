from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from handoff.models import Bot
from tests.faults.chat import Chat, open_bot, open_chat
from tests.relay.conftest import bot, handoff, running, webhook_bot
from tests.sandbox.conftest import sandbox_instance
from tests.sandbox.instance import Instance

__all__ = ["bot", "handoff", "running", "sandbox_instance", "webhook_bot"]


@pytest.fixture
def impatient(settings: Any) -> None:
    """T and S of a second each: what waits for them is the same, and sooner."""
    settings.REQUEST_DEADLINE = timedelta(seconds=1)
    settings.SETTLE_TIME = timedelta(seconds=1)
    settings.LANE_LEASE = timedelta(seconds=11)


@pytest.fixture
def instance(sandbox_instance: Instance) -> Iterator[Instance]:
    """The module's sandbox; its switches fall back after the test."""
    before = sandbox_instance.call("GET", "/sandbox/api/switches").json()
    yield sandbox_instance
    sandbox_instance.switch(**before)


@pytest.fixture
def sandbox_bot(db: None, instance: Instance, settings: Any) -> Bot:
    return open_bot(instance, settings)


@pytest.fixture
def chat(impatient: None, instance: Instance, sandbox_bot: Bot) -> Chat:
    """A handoff that waits in the sandbox's queue."""
    return open_chat(instance, sandbox_bot)
