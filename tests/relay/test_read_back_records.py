"""Which record of ours is which item, where several say the same or nearly so."""

import time

import pytest

from handoff import relay, services
from handoff.models import Handoff, Outgoing
from tests.relay.conftest import MESSAGES, drain, post, states, to_servicenow
from tests.relay.reading_back import BROKEN, ours, posted, settle, shows, sys_ids, takes

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db]


def test_a_duplicate_that_came_late_is_no_item_changed(http, running):
    post(running, "one", "two")
    takes(http, "1" * 32)
    http.post(MESSAGES, **BROKEN)
    relay.drain(to_servicenow(running).pk)
    settle()
    late = {"timestamp": int(time.time() * 1000)}
    shows(http, ours("1" * 32, "one"), ours("9" * 32, "one") | late)
    takes(http, "2" * 32)

    drain(running)

    assert posted(http) == ["one", "two", "two"]
    assert states(running)[1:] == ["sent", "sent"]


def test_the_same_words_said_before_are_another_message(http, running):
    post(running, "yes")
    takes(http, "1" * 32)
    relay.drain(to_servicenow(running).pk)
    again(running, "yes")
    http.post(MESSAGES, **BROKEN)
    drain(running)

    shows(http, ours("1" * 32, "yes"))
    drain(running)
    assert states(running)[1:] == ["sent", "sending"]

    shows(http, ours("1" * 32, "yes"), ours("2" * 32, "yes"))
    drain(running)
    assert sys_ids(running) == ["1" * 32, "2" * 32]


def again(handoff: Handoff, text: str) -> None:
    said = services.NewMessage(id="again", text=text)
    services.post_message(handoff_id=handoff.pk, bot=handoff.bot, message=said)


def test_the_question_is_not_taken_for_a_message_that_repeats_it(http, running):
    Outgoing.objects.filter(kind="start").update(text="My door is jammed.")
    post(running, "My door is jammed.")
    http.post(MESSAGES, **BROKEN)
    relay.drain(to_servicenow(running).pk)
    shows(http)

    drain(running)

    assert states(running)[1:] == ["sending"]


def test_what_stands_there_twice_is_noted_and_no_other_messages(http, running, caplog):
    post(running, "yes")
    http.post(MESSAGES, **BROKEN)
    relay.drain(to_servicenow(running).pk)
    twice = [ours("1" * 32, "yes"), ours("2" * 32, "yes")]
    shows(http, *twice)
    drain(running)
    assert Outgoing.objects.get(text="yes").duplicates == ["2" * 32]
    assert "item.found_twice" in caplog.messages

    again(running, "yes")
    http.post(MESSAGES, **BROKEN)
    drain(running)
    shows(http, *twice)
    drain(running)

    assert states(running)[1:] == ["sent", "sending"]


@pytest.mark.parametrize(
    "read", ["one &amp; two &lt;3", "one & two <3", "one  &amp; two\r\n<3 "]
)
def test_what_a_release_makes_of_a_text_does_not_hide_it(http, running, read):
    post(running, "one & two\n<3")
    http.post(MESSAGES, **BROKEN)
    relay.drain(to_servicenow(running).pk)
    shows(http, ours("1" * 32, read))

    drain(running)

    assert states(running)[1:] == ["sent"]
