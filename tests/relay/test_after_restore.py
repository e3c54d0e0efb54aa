"""What a restored database does about what it has forgotten."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.utils.timezone import now

from handoff import events, relay, services
from handoff.exceptions import StillAtWork
from handoff.models import BotRuntime, Event, Handoff, Heartbeat, Lane, Outgoing
from handoff.relay import looking
from tests.relay import agent_chat
from tests.relay.conftest import (
    GROUP,
    HOST,
    QUEUE,
    STATE,
    drain,
    entry,
    message,
    post,
    states,
    to_bot,
    to_servicenow,
)
from tests.relay.reading_back import (
    ours,
    posted,
    settle,
    shows,
    sys_ids,
    takes,
)

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db]

ONE, TWO, THREE = "1" * 32, "2" * 32, "3" * 32


def restored(**options: Any) -> services.Restored:
    return services.after_restore(since=now() - timedelta(hours=1), **options)


def test_what_was_sent_since_is_found_and_what_was_not_is_sent(http, running):
    post(running, "one", "two", "three")
    restored()
    shows(http, ours(ONE, "one"), ours(TWO, "two"))

    drain(running)
    assert states(running)[1:] == ["sent", "sent", "sending"]
    assert posted(http) == []

    settle()
    takes(http, THREE)
    drain(running)

    assert posted(http) == ["three"]
    assert sys_ids(running) == [ONE, TWO, THREE]


def test_the_same_words_twice_are_two_messages_and_no_duplicate(http, running):
    post(running, "yes", "no")
    services.post_message(
        handoff_id=running.pk,
        bot=running.bot,
        message=services.NewMessage(id="again", text="yes"),
    )
    restored()
    shows(http, ours(ONE, "yes"), ours(TWO, "no"), ours(THREE, "yes"))

    drain(running)

    assert sys_ids(running) == [ONE, TWO, THREE]
    assert not Outgoing.objects.exclude(duplicates=[]).exists()


def test_an_item_of_unknown_outcome_is_not_taken_for_one_just_intended(
    http, running, monkeypatch
):
    """A broken commit is told from a good one by what it may have intended."""
    post(running, "one", "two")
    restored()
    shows(http, ours(ONE, "one"))
    advance, calls = relay.lanes.advance, []

    def break_after_the_first_record(*args: Any, **again: Any) -> object:
        task = advance(*args, **again)
        calls.append(again)
        if len(calls) == 2:
            raise OperationalError("server closed the connection")
        return task

    monkeypatch.setattr(relay.lanes, "advance", break_after_the_first_record)
    monkeypatch.setattr(relay.lanes, "RECORD_RETRY", 0)
    monkeypatch.setattr(connection, "close", lambda: None)

    drain(running)

    assert states(running)[1:] == ["sent", "sending"]
    assert posted(http) == []


def test_what_agents_wrote_since_is_read(http, running):
    Handoff.objects.update(poll_at=None)
    restored()
    http.get(STATE, json={"result": [entry(2)]})
    shows(http, message("9" * 32, "I am here"))

    looking.look(running.pk)

    (told,) = running.messages.filter(role="agent")
    assert (told.text, told.recovered) == ("I am here", True)


def test_all_is_read_from_the_beginning_and_no_callback_trusted(running):
    BotRuntime.objects.update(
        reconcile_at=now() + timedelta(minutes=1),
        reconcile_from=now(),
        callbacks_work_since=now() - timedelta(hours=1),
    )

    restored()

    runtime = BotRuntime.objects.get()
    assert runtime.reconcile_at < now() + timedelta(seconds=1)
    assert (runtime.reconcile_from, runtime.callbacks_work_since) == (None, None)


def test_an_agents_message_that_is_told_again_has_the_id_it_had(http, running):
    def told() -> tuple[Any, Any]:
        http.get(STATE, json={"result": [entry(2)]})
        shows(http, message("9" * 32, "I am here"))
        Handoff.objects.update(poll_at=now() - timedelta(seconds=1), must_read=True)
        looking.look(running.pk)
        event = Event.objects.get(type="message.created")
        return event.id, event.payload["data"]["message_id"]

    before = told()
    running.messages.filter(role="agent").delete()
    Event.objects.all().delete()

    assert told() == before


def test_a_handoff_that_ends_again_has_the_same_final_event(running):
    def ended() -> Any:
        Handoff.objects.filter(pk=running.pk).update(
            state="queued", reason="", ended_by="", ended_at=None
        )
        services.end_handoff(handoff_id=running.pk, bot=running.bot)
        return Event.objects.get(handoff=running).id

    before = ended()
    Event.objects.all().delete()

    assert ended() == before


def test_numbers_that_may_have_been_given_out_are_not_given_again(running):
    BotRuntime.objects.update(feed_sequence=118)
    numbers = {lane.pk: lane.next_sequence for lane in Lane.objects.all()}

    restored()

    runtime = BotRuntime.objects.get()
    assert runtime.feed_sequence == events.EPOCH
    for lane in Lane.objects.all():
        assert lane.next_sequence > numbers[lane.pk] + 900_000
    services.end_handoff(handoff_id=running.pk, bot=running.bot)
    assert Event.objects.get().feed_sequence == events.EPOCH + 1


def test_the_lanes_of_handoffs_that_are_over_stay_as_they_are(running):
    services.end_handoff(handoff_id=running.pk, bot=running.bot)
    before = to_bot(running).next_sequence

    restored()

    assert to_bot(running).next_sequence == before


def test_to_repeat_it_does_no_harm(http, running):
    post(running, "one")
    first = restored()
    assert restored() == first
    shows(http, ours(ONE, "one"))

    drain(running)

    assert states(running)[1:] == ["sent"]


def test_what_agent_chat_may_have_been_sent_is_held(http, chat):
    agent_chat.call_back(chat, agent_chat.ACCEPTED)
    post(chat, "one")
    restored()

    drain(chat)

    assert states(chat)[1:] == ["sending"]
    assert agent_chat.actions(http) == ["START_CONVERSATION"]


def test_dead_workers_leases_end_and_their_lanes_are_due(running):
    post(running, "one")
    lanes = Lane.objects.filter(pk=to_servicenow(running).pk)
    lanes.update(lease_until=now() + timedelta(seconds=20), wake_at=None)

    services.after_restore(since=now())

    assert relay.leases.claim(lanes.get().pk) is not None


def test_what_a_dead_worker_had_yet_to_tell_is_told(http, running):
    post(running, "one", "two")
    told = {"state": "sent", "sys_id": ONE, "is_untold": True}
    Outgoing.objects.filter(text="one").update(**told)
    shows(http, ours(ONE, "one"), ours(TWO, "two"))

    restored()
    drain(running)

    assert Event.objects.filter(type="message.delivered").count() == 2


def test_it_refuses_while_a_worker_is_at_work(running):
    Lane.objects.update(lease_until=now() + timedelta(seconds=40))
    with pytest.raises(StillAtWork):
        restored()
    assert restored(force=True).handoffs == 1


def test_it_refuses_while_the_sweep_beats(running):
    Heartbeat.objects.create(name="sweep", at=now() - timedelta(seconds=3))
    with pytest.raises(StillAtWork):
        restored()
    # It beat before the backup was made.
    services.after_restore(since=now() - timedelta(seconds=1))


def test_chats_that_were_opened_since_are_found_in_their_queues(http, running):
    known = entry(1)
    others = {"group": "9" * 32, "number": "CHAT0010099"}
    rows = [
        known | {"opened_by": "f" * 32},
        entry(2, **others, opened_by="f" * 32),
        entry(3, group="8" * 32, opened_by="f" * 32),
        entry(1, group="7" * 32, opened_by="a" * 32),
    ]
    http.get(f"{HOST}/api/now/connect/support/sessions", json={"result": rows})

    (found,) = services.forgotten_chats(running.bot)

    assert (found.number, found.queue_id) == ("CHAT0010099", QUEUE)
    assert running.group_id == GROUP
