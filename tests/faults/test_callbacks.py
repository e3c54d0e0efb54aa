"""Callbacks that never come, come late, often, in another order, or from ourselves."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db.models.functions import Now

from handoff import services
from handoff.failpoints import Point, listeners
from handoff.models import Bot, BotRuntime, Callback, Event, Handoff
from handoff.relay import inbox, looking
from handoff.relay.reconciling import reconcile
from tests.faults.chat import A_MOMENT_AGO, Chat, open_chat
from tests.relay.conftest import events
from tests.sandbox.instance import AGENT, Instance

pytestmark = [pytest.mark.django_db, pytest.mark.real_http]
Row = dict[str, Any]


@pytest.fixture
def served(chat: Chat) -> Chat:
    """A chat that an agent has taken, of which nobody calls back."""
    take(chat)
    return chat


def take(chat: Chat) -> None:
    """Accept the chat, and whatever waits in the line before it."""
    while chat.instance.accept()["group"] != chat.handoff.group_id:
        continue


def say(chat: Chat, *texts: str) -> None:
    for text in texts:
        chat.instance.say(chat.handoff.group_id, text, auth=AGENT)


def bodies(chat: Chat) -> list[Row]:
    """Return what the rule would send of each message, its own filter left out."""
    columns = "group,sys_id,message,formatted_message,sys_created_by,sys_created_on"
    rows = chat.instance.table(
        "live_message",
        sysparm_query=f"group={chat.handoff.group_id}",
        sysparm_fields=columns,
        sysparm_exclude_reference_link="true",
    )
    said = []
    for row in rows:
        before = [
            one["sys_id"]
            for one in rows
            if one["sys_created_by"] == AGENT[0]
            and one is not row
            and one["sys_created_on"] <= row["sys_created_on"]
        ]
        told = row | {"event": "message", "group": chat.handoff.group_id}
        said.append(told | {"follows": ",".join(before)})
    return said


def call_back(chat: Chat, body: Row) -> None:
    """Receive a callback, as signed by the rule, and take it in."""
    bot, group_id = chat.handoff.bot, chat.handoff.group_id
    services.receive_callback(
        bot=bot,
        body=json.dumps(body).encode(),
        authenticated_by="signature",
        delivery_id=body["sys_id"],
    )
    inbox.process(bot_id=bot.pk, group_id=group_id)


def read(chat: Chat) -> None:
    """Make the reads that are due by now, and those that follow from them."""
    BotRuntime.objects.update(reconcile_at=Now() - A_MOMENT_AGO)
    reconcile(chat.handoff.bot_id)
    wanted = Handoff.objects.exclude(poll_at=None)
    wanted.update(poll_at=Now() - A_MOMENT_AGO)
    for handoff in wanted:
        looking.look(handoff.pk)
        inbox.process(bot_id=handoff.bot_id, group_id=handoff.group_id)


def told(chat: Chat) -> list[str]:
    """Return what the bot was told that the agent said after the greeting."""
    created = Event.objects.filter(handoff=chat.handoff, type="message.created")
    data = [event.payload["data"] for event in created.order_by("sequence")]
    texts = [one["text"] for one in data if one["role"] == "agent"]
    return [text for text in texts if text.startswith("word ")]


WORDS = [f"word {number}" for number in range(20)]


def test_what_no_callback_told_of_is_read_in_order_and_then_the_end(served):
    """Line 41: the callback's address is down while an agent writes and closes."""
    say(served, *WORDS)
    served.instance.act(served.handoff.group_id, "close", auth=AGENT)

    read(served)
    read(served)

    assert told(served) == WORDS
    finals = [name for name in events(served.handoff) if name == "handoff.ended"]
    assert len(finals) == 1
    assert events(served.handoff)[-1] == "handoff.ended"


def test_callbacks_that_come_after_the_read_tell_nothing_twice(served):
    say(served, *WORDS)
    read(served)

    for body in reversed(bodies(served)):
        call_back(served, body)

    assert told(served) == WORDS


def test_callbacks_tripled_reversed_and_interleaved_are_told_once_in_order(
    served, sandbox_bot, monkeypatch
):
    monkeypatch.setattr(inbox, "OVERTAKEN_FOR", timedelta(hours=1))
    other = open_chat(served.instance, sandbox_bot, conversation_id="c-2")
    take(other)
    for number in range(4):
        say(served, f"word {number}")
        say(other, f"word {number * 10}")
    pairs = zip(reversed(bodies(served)), reversed(bodies(other)), strict=False)

    for one, another in pairs:
        for _ in range(3):
            call_back(served, one)
            call_back(other, another)
    read(served)

    assert told(served) == ["word 0", "word 1", "word 2", "word 3"]
    assert told(other) == ["word 0", "word 10", "word 20", "word 30"]
    assert not Callback.objects.filter(state="stored").exists()


@pytest.fixture
def meanwhile() -> Iterator[Callable[[Callable[[], None]], None]]:
    """Have something happen when a read is made and nothing of it is taken in."""
    added = []

    def once(happens: Callable[[], None]) -> None:
        def listen(point: Point, about: object) -> None:
            if point == Point.DURING_LOOK and listen in listeners:
                listeners.remove(listen)
                happens()

        listeners.append(listen)
        added.append(listen)

    yield once
    assert not any(listener in listeners for listener in added), "it never came"


@pytest.mark.parametrize("how_many", [1, 2])
def test_a_callback_that_comes_while_the_same_is_read_is_one_event(
    served, meanwhile, how_many
):
    """One message is taken in by the read of all, two of a second by a look."""
    read(served)
    words = WORDS[:how_many]
    say(served, *words)

    def tell() -> None:
        for body in bodies(served)[-how_many:]:
            call_back(served, body)

    meanwhile(tell)

    read(served)

    assert told(served) == words


def test_what_we_wrote_ourselves_comes_back_to_nobody(served):
    """By a rule that lacks its filter, and by a read."""
    served.say("mine")
    served.drain_until_settled()

    for body in bodies(served):
        call_back(served, body)
    read(served)

    created = Event.objects.filter(type="message.created")
    assert "mine" not in [event.payload["data"]["text"] for event in created]
    assert "our own message" in Callback.objects.values_list("note", flat=True)


@pytest.mark.parametrize("tables", ["forbidden", "hidden"])
def test_where_the_tables_are_closed_each_conversation_is_read_by_itself(
    served, instance: Instance, sandbox_bot: Bot, tables
):
    instance.switch(chat_tables=tables)
    say(served, *WORDS)
    instance.act(served.handoff.group_id, "close", auth=AGENT)

    read(served)
    read(served)

    assert told(served) == WORDS
    assert events(served.handoff)[-1] == "handoff.ended"
    assert BotRuntime.objects.get(bot=sandbox_bot).reading_error
