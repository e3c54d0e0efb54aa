"""Faults that strike what the instance sends: callbacks of rules, posts of the app."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from tests.sandbox.faulty import Chat, Stopwatch, open_chat
from tests.sandbox.instance import Instance, eventually
from tests.sandbox.receiver import Receiver

pytestmark = pytest.mark.real_http


@dataclass(frozen=True)
class Told:
    """A chat, and what the receiver is told of it once the faults are on."""

    chat: Chat
    receiver: Receiver
    before: int

    def bodies(self) -> list[bytes]:
        return [call.raw for call in self.receiver.received[self.before :]]

    def texts(self) -> list[str]:
        return [call.body["message"] for call in self.receiver.received[self.before :]]


@pytest.fixture(scope="module")
def ruled(sandbox_instance: Instance, receiver: Receiver) -> Instance:
    sandbox_instance.install_callbacks(endpoint=receiver.url)
    return sandbox_instance


@pytest.fixture
def strike(ruled: Instance, receiver: Receiver) -> Iterator[Callable[..., Told]]:
    """Open a chat and move switches, which fall back afterwards."""
    stood = ruled.call("GET", "/sandbox/api/switches").json()

    def open_and_move(**switches: int) -> Told:
        chat = open_chat(ruled)
        ruled.settle()
        ruled.switch(**switches)
        return Told(chat, receiver, len(receiver.received))

    yield open_and_move
    ruled.switch(**stood)
    # What is broken is nothing for the next test to read.
    receiver.received.clear()


def test_a_dropped_callback_never_comes(strike):
    told = strike(fault_callback_dropped=100)

    told.chat.agent_says("lost")
    told.chat.instance.settle()
    told.chat.instance.switch(fault_callback_dropped=0)
    told.chat.agent_says("heard")

    assert eventually(told.bodies)
    assert told.texts() == ["heard"]
    assert told.chat.written()[-2:] == ["lost", "heard"]


def test_a_duplicated_callback_comes_twice_the_same(strike):
    told = strike(fault_callback_duplicated=100)

    told.chat.agent_says("twice")

    assert eventually(lambda: told.bodies()[1:])
    assert told.bodies()[0] == told.bodies()[1]


def test_a_reordered_callback_comes_after_the_next(strike):
    told = strike(fault_callback_reordered=100)

    told.chat.agent_says("first")
    told.chat.instance.settle()
    told.chat.instance.switch(fault_callback_reordered=0)
    told.chat.agent_says("second")

    assert eventually(lambda: told.bodies()[1:])
    assert told.texts() == ["second", "first"]


def test_where_all_are_reordered_none_is_lost(strike):
    told = strike(fault_callback_reordered=100)
    words = ["one", "two", "three"]

    for word in words:
        told.chat.agent_says(word)

    assert eventually(lambda: told.bodies()[2:])
    assert sorted(told.texts()) == sorted(words)


def test_a_late_callback_holds_up_no_other(strike):
    told = strike(fault_callback_late=100, fault_callback_late_seconds=1)
    watch = Stopwatch()

    told.chat.agent_says("late")
    told.chat.instance.settle()
    told.chat.instance.switch(fault_callback_late=0)
    told.chat.agent_says("prompt")

    assert eventually(lambda: told.bodies()[1:])
    assert watch.seconds >= 1
    assert told.texts() == ["prompt", "late"]


def test_a_broken_callback_has_half_of_its_body(strike):
    told = strike(fault_callback_broken=100)

    told.chat.agent_says("broken")

    (body,) = eventually(told.bodies)
    assert body.startswith(b"{")
    assert not body.endswith(b"}")


def test_the_strikes_on_callbacks_are_counted(strike):
    told = strike(fault_callback_dropped=100)
    before = told.chat.struck().get("fault_callback_dropped", 0)

    for word in ("one", "two"):
        told.chat.agent_says(word)
    told.chat.instance.settle()

    assert told.chat.struck()["fault_callback_dropped"] == before + 2


def test_a_post_of_the_virtual_agent_is_struck_as_well(va_bot):
    va_bot.instance.switch(fault_callback_duplicated=100)

    va_bot.start()

    assert eventually(lambda: va_bot.posts[1:])
    assert va_bot.posts[0] == va_bot.posts[1]


def test_a_post_that_is_dropped_never_comes(va_bot, desk):
    chat = Chat(va_bot.instance, group="")
    interaction = va_bot.start()
    desk.act(interaction, "accept")
    assert va_bot.told("OutputText")
    before = chat.struck().get("fault_callback_dropped", 0)

    chat.instance.switch(fault_callback_dropped=100)
    desk.say(interaction, "lost")
    assert eventually(lambda: chat.struck().get("fault_callback_dropped", 0) > before)
    chat.instance.switch(fault_callback_dropped=0)
    desk.say(interaction, "heard")

    assert eventually(lambda: "heard" in str(va_bot.posts))
    assert "lost" not in str(va_bot.posts)
