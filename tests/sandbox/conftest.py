from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chromium import chromium
from tests.sandbox.demo_bot import Agent, Bot, User
from tests.sandbox.demo_bot_product import FakeProduct
from tests.sandbox.instance import Browser, Instance, eventually, running_instance
from tests.sandbox.oauth import Application
from tests.sandbox.receiver import Receiver
from tests.sandbox.virtual_agent import Desk, VirtualAgentBot, connect

__all__ = ["chromium"]


@pytest.fixture(scope="module")
def sandbox_instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    """A fresh sandbox instance, a process of its own, for the tests of one module."""
    with running_instance(tmp_path_factory.mktemp("instance")) as (instance, _):
        yield instance


@pytest.fixture
def tmp_instance(tmp_path: Path) -> Iterator[Instance]:
    """A fresh sandbox instance for one test alone."""
    with running_instance(tmp_path) as (instance, _):
        yield instance


@pytest.fixture
def browser(sandbox_instance: Instance) -> Iterator[Browser]:
    browser = Browser(sandbox_instance)
    yield browser
    browser.session.close()


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    """The far end of the callbacks: keeps each request that a rule makes."""
    receiver = Receiver()
    yield receiver
    receiver.close()


@pytest.fixture(scope="module")
def application(sandbox_instance: Instance) -> Application:
    return Application.register(sandbox_instance)


@pytest.fixture
def va_instance(sandbox_instance: Instance, receiver: Receiver) -> Iterator[Instance]:
    """The module's instance, posting to the receiver; switches fall back afterwards."""
    connect(sandbox_instance, url=receiver.url)
    before = sandbox_instance.call("GET", "/sandbox/api/switches").json()
    yield sandbox_instance
    sandbox_instance.switch(**before)


@pytest.fixture
def va_bot(va_instance: Instance, receiver: Receiver) -> VirtualAgentBot:
    return VirtualAgentBot(va_instance, receiver)


@pytest.fixture
def desk(va_instance: Instance) -> Iterator[Desk]:
    desk = Desk(va_instance)
    yield desk
    desk.close()


@pytest.fixture(scope="session")
def running_bot(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Bot, FakeProduct]]:
    """The demo bot, a process of its own; each user has a conversation apart."""
    product = FakeProduct()
    bot = Bot(
        data=tmp_path_factory.mktemp("demo_bot"),
        product_port=product.server.server_port,
    )
    bot.set_up()
    yield bot, product
    bot.end()
    product.close()


@pytest.fixture
def bot(running_bot: tuple[Bot, FakeProduct]) -> Bot:
    return running_bot[0]


@pytest.fixture
def product(running_bot: tuple[Bot, FakeProduct]) -> FakeProduct:
    product = running_bot[1]
    product.calls.clear()
    return product


@pytest.fixture
def user(bot: Bot) -> Iterator[User]:
    user = User(bot.url)
    yield user
    user.session.close()


@pytest.fixture
def agent(bot: Bot, product: FakeProduct, user: User) -> Agent:
    """The user has asked for a person, and the product knows."""
    user.say("agent")
    assert eventually(lambda: user.sees("user", "delivery") == ["Sent"])
    return Agent(bot=bot, start=product.calls[0].body)
