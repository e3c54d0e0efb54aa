"""What is wrong in what a bot was told is seen, where its texts are right."""

from dataclasses import replace

import pytest

from tests.chaos.desk import Line
from tests.chaos.histories import (
    BY_AGENT,
    BY_USER,
    REPLIES,
    SAYS,
    UNHEARD,
    chat,
    created,
    delivered,
    failed,
    history,
    retold,
    shown,
    verdict_on,
)
from tests.chaos.plan import CONNECT_SUPPORT


@pytest.mark.parametrize("delivery", ["pending", "sending"])
def test_connect_support_tells_of_each_message_what_became_of_it(delivery):
    one = retold(
        history(CONNECT_SUPPORT), *delivered(1, 2), *created(*REPLIES), BY_AGENT
    )
    open_ended = replace(one, deliveries=["sent", "sent", "sent", delivery])

    assert verdict_on(open_ended).others == ["c-1 1 messages came to no end"]


@pytest.mark.parametrize("end", [BY_USER, UNHEARD])
def test_an_end_that_was_none_is_wrong(end):
    tales = [*delivered(1, 2, 3), *created(*REPLIES), end]

    assert verdict_on(retold(history(CONNECT_SUPPORT), *tales)).violations == 1


def test_a_conversation_that_stays_on_the_desk_is_wrong():
    forgotten = replace(history(CONNECT_SUPPORT), chats=[chat(is_open=True)])

    assert verdict_on(forgotten).others == ["c-1 the agent still has it on his desk"]


@pytest.mark.parametrize(
    "tales",
    [
        [*delivered(1, 2, 3), *created(*REPLIES), BY_AGENT, *delivered(3)],
        [*delivered(1, 2), *created(*REPLIES), BY_AGENT, *delivered(3)],
        [*delivered(1, 2, 3), *created(*REPLIES), BY_AGENT, BY_AGENT],
        [*delivered(1, 2, 3), *created(*REPLIES)],
        [*delivered(1, 1, 2, 3), *created(*REPLIES), BY_AGENT],
        [*delivered(1, 2, 3), *failed(3), *created(*REPLIES), BY_AGENT],
        [*delivered(1, 2, 3, 4), *created(*REPLIES), BY_AGENT],
    ],
    ids=[
        "twice and late",
        "late",
        "two ends",
        "no end",
        "told twice",
        "delivered and failed",
        "of no message",
    ],
)
def test_each_outcome_is_told_once_and_before_the_end(whole, tales):
    assert verdict_on(retold(whole, *tales)).others


def test_webhooks_and_feed_tell_the_same(whole):
    assert verdict_on(replace(whole, fed=whole.fed[:-1])).violations
    assert verdict_on(replace(whole, told=whole.told[:-1])).violations


@pytest.mark.parametrize("text", ["yes", "Beth has closed the support session"])
def test_only_what_somebody_wrote_is_told(text):
    closing = Line(
        group="g",
        is_requesters=False,
        is_agents=False,
        text="Beth has closed the support session",
    )
    record = replace(history(CONNECT_SUPPORT), lines=[*shown(*SAYS), closing])
    system = ("message.created", {"role": "system", "text": text})
    tales = [*delivered(1, 2, 3), *created(*REPLIES), system]

    assert bool(verdict_on(retold(record, *tales, BY_AGENT)).others) is (text == "yes")
    assert verdict_on(retold(record, *tales, system, BY_AGENT)).others
    assert verdict_on(record).violations == 0


def test_a_delivery_is_left_out_only_where_the_end_came_first():
    record = history(CONNECT_SUPPORT)
    last, middle = (
        retold(record, *delivered(*places), *created(*REPLIES), BY_AGENT)
        for places in [(1, 2), (1, 3)]
    )

    assert verdict_on(last).violations == 0
    assert verdict_on(middle).others == ["c-1 the delivery of c-1-2 was not told"]
