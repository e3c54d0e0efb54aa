"""Callbacks that overtook what was written before them."""

from datetime import timedelta

import pytest
from django.utils.timezone import now

from handoff.models import Callback, Event, Handoff
from handoff.relay import inbox, looking
from tests.relay.conftest import GROUP, MESSAGES, STATE, entry, events, message
from tests.relay.reads import tell, texts

pytestmark = pytest.mark.django_db
FIRST, SECOND, THIRD = "1" * 32, "2" * 32, "3" * 32


@pytest.fixture
def accepted(running: Handoff) -> Handoff:
    Handoff.objects.update(poll_at=None, state="accepted")
    return running


def make_due() -> None:
    Handoff.objects.update(poll_at=now() - timedelta(seconds=1))


def read(http, handoff: Handoff, *shown) -> None:
    """Have the conversation read, and the callbacks that waited for it taken in."""
    http.get(STATE, json={"result": [entry(2)]})
    http.get(MESSAGES, json={"result": list(shown)})
    looking.look(handoff.pk)
    inbox.process(bot_id=handoff.bot_id, group_id=GROUP)


def test_a_message_waits_for_one_of_its_second_that_was_written_before(http, accepted):
    """Their times, in whole seconds, do not tell which was the first."""
    first = message(FIRST, "first", timestamp=1_790_000_000_100)
    second = message(SECOND, "second", timestamp=1_790_000_000_900)
    tell(accepted, second, follows=FIRST)
    assert texts(accepted) == []

    read(http, accepted, second, first)
    tell(accepted, first, follows=SECOND)

    assert texts(accepted) == ["first", "second"]
    assert list(Callback.objects.values_list("state", flat=True)) == ["ignored"] * 2


def test_a_message_that_a_callback_told_is_not_marked_recovered(http, accepted):
    first, second = message(FIRST, "first"), message(SECOND, "second")
    tell(accepted, second, follows=FIRST)

    read(http, accepted, first, {**second, "timestamp": 1_790_000_001_000})

    told = Event.objects.filter(type="message.created").order_by("sequence")
    assert [event.payload["data"]["recovered"] for event in told] == [True, False]


def test_a_message_whose_forerunners_are_known_is_relayed_at_once(accepted):
    tell(accepted, message(FIRST, "first"))
    tell(accepted, message(SECOND, "second"), follows=FIRST)
    tell(accepted, message(THIRD, "third"), follows=f"{SECOND},{FIRST}")

    assert texts(accepted) == ["first", "second", "third"]
    assert not Handoff.objects.get().must_read


def test_a_lost_callback_is_noticed_by_the_next_one(http, accepted):
    tell(accepted, message(SECOND, "second"), follows=FIRST)

    read(
        http,
        accepted,
        message(SECOND, "second", timestamp=1_790_000_060_000),
        message(FIRST, "first", timestamp=1_790_000_000_000),
    )

    assert texts(accepted) == ["first", "second"]


def test_what_is_said_after_it_waits_with_it(accepted):
    tell(accepted, message(SECOND, "second"), follows=FIRST)
    tell(accepted, message(THIRD, "third"))

    assert texts(accepted) == []
    assert Callback.objects.filter(state="stored").count() == 2


def test_a_message_waits_until_a_read_succeeds(http, accepted):
    first, second = message(FIRST, "first"), message(SECOND, "second")
    second["timestamp"] += 1_000
    tell(accepted, second, follows=FIRST)
    http.get(STATE, status=503, body="<html>")
    looking.look(accepted.pk)
    Callback.objects.update(received_at=now() - timedelta(seconds=50))
    inbox.process(bot_id=accepted.bot_id, group_id=GROUP)
    assert texts(accepted) == []
    assert Handoff.objects.get().poll_at < now() + timedelta(seconds=10)

    make_due()
    read(http, accepted, second, first)

    assert texts(accepted) == ["first", "second"]


def test_a_read_that_hides_what_agents_wrote_lets_no_message_go(http, accepted):
    tell(accepted, message("0" * 32, "known"))
    tell(accepted, message(SECOND, "second"), follows=FIRST)

    Callback.objects.update(received_at=now() - timedelta(seconds=50))

    read(http, accepted, message("9" * 32, "ours", created_by="chatbot.interface"))

    assert texts(accepted) == ["known"]
    assert Handoff.objects.get().must_read


def test_where_reading_is_forbidden_nobody_waits_for_it(http, accepted):
    tell(accepted, message(SECOND, "second"), follows=FIRST)
    http.get(STATE, json={"result": [entry(2)]})
    http.get(MESSAGES, status=403, json={"result": "restricted"})

    looking.look(accepted.pk)
    inbox.process(bot_id=accepted.bot_id, group_id=GROUP)

    assert texts(accepted) == ["second"]


def test_nobody_waits_longer_than_ten_minutes(accepted):
    tell(accepted, message(SECOND, "second"), follows=FIRST)
    Callback.objects.update(received_at=now() - timedelta(minutes=9))
    inbox.process(bot_id=accepted.bot_id, group_id=GROUP)
    assert texts(accepted) == []

    Callback.objects.update(received_at=now() - timedelta(minutes=10))
    inbox.process(bot_id=accepted.bot_id, group_id=GROUP)

    assert texts(accepted) == ["second"]


def test_what_waited_is_told_before_an_end_that_could_not_be_read(http, accepted):
    tell(accepted, message(SECOND, "second"), follows=FIRST)
    ended_at = now() - timedelta(seconds=61)
    end = {"reason": "completed", "ended_by": "agent"}
    Handoff.objects.update(pending_end=end, pending_end_at=ended_at)
    for _ in range(2):
        make_due()
        http.get(MESSAGES, status=503, body="<html>")
        looking.look(accepted.pk)
        inbox.process(bot_id=accepted.bot_id, group_id=GROUP)

    assert events(accepted) == ["message.created", "handoff.ended"]
    assert texts(accepted) == ["second"]


def test_one_read_is_asked_for_however_many_rings_come(accepted):
    tell(accepted, message(SECOND, "second"), follows=FIRST)
    asked_at = Handoff.objects.get().poll_at

    inbox.process(bot_id=accepted.bot_id, group_id=GROUP)

    assert Handoff.objects.get().poll_at == asked_at


def test_a_stranger_in_the_list_is_no_name(accepted):
    tell(accepted, message(SECOND, "second"), follows="undefined,', drop")

    assert texts(accepted) == ["second"]
