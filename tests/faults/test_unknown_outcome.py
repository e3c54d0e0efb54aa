"""A message was sent and nobody said what came of it: the agent sees it once."""

from datetime import timedelta

import pytest
from django.utils.timezone import now

from handoff.models import Handoff, Outgoing
from handoff.relay import looking
from tests.end_to_end.proxy import Proxy
from tests.faults.chat import began, open_bot, open_chat
from tests.relay.conftest import to_servicenow
from tests.sandbox.instance import Instance, eventually

pytestmark = [pytest.mark.real_http, pytest.mark.django_db]

APPLIED = [
    "fault_hang_up_after",
    "fault_500_after",
    "fault_502_after",
    "fault_silence_after",
    "fault_truncated",
]
NOT_APPLIED = [
    "fault_silence_before",
    "fault_hang_up_before",
    "fault_502_before",
    "fault_202_dropped",
    "fault_hibernation",
]


def strike(chat, fault: str) -> None:
    """Say something to the struck instance, then mend it."""
    chat.instance.switch(**{fault: 100, "fault_silence_seconds": 2})
    chat.say("one", "two")
    chat.drain()
    chat.instance.switch(**{fault: 0})
    assert chat.states[-2:] == ["sending", "pending"]


@pytest.mark.parametrize("fault", APPLIED)
def test_a_message_whose_reply_is_lost_is_bound_by_read_back(chat, fault):
    strike(chat, fault)

    chat.drain_until_settled()

    assert chat.seen() == ["one", "two"]
    assert chat.states == ["sent", "sent"]


def test_it_is_looked_up_within_five_seconds(chat, settings):
    strike(chat, "fault_hang_up_after")

    lane, item = to_servicenow(chat.handoff), Outgoing.objects.get(text="one")

    looked_up = lane.wake_at + settings.SWEEP_INTERVAL
    assert looked_up - item.attempt_started_at < timedelta(seconds=5)


@pytest.mark.parametrize("fault", NOT_APPLIED)
def test_a_message_that_was_not_applied_is_sent_again_when_it_no_longer_can_be(
    chat, settings, fault
):
    strike(chat, fault)

    chat.drain_until_settled()

    assert chat.seen() == ["one", "two"]
    first, again, _ = chat.posts(3)
    waited = began(again) - began(first)
    assert waited >= settings.REQUEST_DEADLINE + settings.SETTLE_TIME


def test_a_500_before_anything_was_applied_is_sent_again_at_once(chat, settings):
    # So much longer than the machine may be held up.
    settings.REQUEST_DEADLINE = timedelta(seconds=10)
    settings.SETTLE_TIME = timedelta(minutes=1)
    settings.LANE_LEASE = timedelta(seconds=20)
    strike(chat, "fault_500_before")

    chat.drain()

    assert chat.seen() == ["one", "two"]
    first, again, _ = chat.posts(3)
    assert began(again) - began(first) < settings.SETTLE_TIME


def test_what_servicenow_applies_after_our_time_out_is_not_sent_again(chat):
    chat.instance.switch(fault_latency=100, fault_latency_ms=1_500)
    chat.say("one", "two")
    chat.drain()
    chat.instance.switch(fault_latency=0)

    chat.drain_until_settled()

    assert chat.seen() == ["one", "two"]
    chat.posts(2)


@pytest.fixture
def twice(impatient, db, instance, settings):
    """What we had given up on is applied after all, once it was sent again."""
    with Proxy(instance.url) as proxy:
        seen_through_it = Instance(proxy.url)
        chat = open_chat(seen_through_it, open_bot(seen_through_it, settings))
        proxy.delay("/messages")
        chat.say("one")
        chat.drain_until_settled()
        assert chat.seen() == ["one"]
        proxy.let_go()
        assert eventually(lambda: chat.seen() == ["one", "one"])
        yield chat


def found_twice() -> list[str]:
    """Return the texts of items that stand there more than once."""
    items = Outgoing.objects.exclude(duplicates=[]).order_by("sequence")
    return [item.text for item in items for _ in item.duplicates]


def test_what_is_applied_after_the_settle_time_is_seen_at_the_next_look(twice):
    due = {"must_read": True, "poll_at": now() - timedelta(seconds=1)}
    Handoff.objects.update(**due)

    looking.look(twice.handoff.pk)
    Handoff.objects.update(**due)
    looking.look(twice.handoff.pk)

    assert found_twice() == ["one"]


def test_what_is_applied_after_the_settle_time_takes_no_other_messages_place(twice):
    twice.instance.switch(fault_502_before=100)
    twice.say("two", "three")
    twice.drain()
    twice.instance.switch(fault_502_before=0)

    twice.drain_until_settled()

    assert twice.seen() == ["one", "one", "two", "three"]
    assert found_twice() == ["one"]


def test_what_is_applied_after_the_settle_time_may_be_the_same_words_again(twice):
    """The agent sees what was said, whichever of them it was."""
    strike(twice, "fault_502_before")

    twice.drain_until_settled()

    assert twice.seen() == ["one", "one", "two"]
    assert found_twice() == []


def test_the_same_words_twenty_times_under_faults_are_twenty_records(chat):
    rates = {"fault_hang_up_before": 8, "fault_hang_up_after": 20}
    chat.instance.switch(fault_seed=7, fault_500_after=20, **rates)
    chat.say(*["yes"] * 20)

    chat.drain_until_settled()

    assert chat.seen() == ["yes"] * 20
    assert chat.states == ["sent"] * 20
    struck = chat.instance.call("GET", "/sandbox/api/faults").json()["faults"]
    assert struck["fault_hang_up_before"] > 0
    assert struck["fault_hang_up_after"] > 0
