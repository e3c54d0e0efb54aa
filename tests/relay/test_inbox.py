import json
from datetime import timedelta
from typing import Any

import pytest
from django.utils.timezone import now

from handoff import events as events_of
from handoff import services
from handoff.exceptions import MalformedBody
from handoff.models import Callback, Event, Handoff, Message, Outgoing
from handoff.relay import inbox, looking
from tests.relay.conftest import (
    AGENT,
    ENTRY,
    GROUP,
    MESSAGES,
    STATE,
    entry,
    events,
    message,
)

pytestmark = pytest.mark.django_db


def said(sys_id: str, text: str, **fields) -> dict[str, Any]:
    body = {"event": "message", "group": GROUP, "sys_id": sys_id}
    body |= {"formatted_message": text, "sys_created_by": "beth"}
    return body | {"sender_name": "Beth"} | fields


def state(value: str, **fields) -> dict[str, Any]:
    body = {"event": "state", "group": GROUP, "sys_id": ENTRY, "state": value}
    return body | {"assigned_to": "", "sys_mod_count": "1"} | fields


def receive(handoff: Handoff, *bodies: dict[str, Any], **fields) -> None:
    for body in bodies:
        services.receive_callback(
            bot=handoff.bot,
            body=json.dumps(body).encode(),
            authenticated_by=fields.get("authenticated_by", "signature"),
            delivery_id=fields.get("delivery_id"),
        )
    inbox.process(bot_id=handoff.bot_id, group_id=GROUP)


def texts(handoff: Handoff) -> list[str]:
    created = Event.objects.filter(handoff=handoff, type="message.created")
    return [event.payload["data"]["text"] for event in created.order_by("sequence")]


def notes() -> list[str]:
    return list(Callback.objects.order_by("pk").values_list("note", flat=True))


def test_an_agents_message_becomes_one_event(running):
    receive(running, said("1" * 32, "Hello, <b>you</b> & me"))

    event = Event.objects.get(type="message.created")
    message = Message.objects.get(role="agent")
    assert event.payload["data"] == {
        "message_id": str(message.id),
        "role": "agent",
        "sender": {"name": "Beth", "avatar_url": None},
        "text": "Hello, <b>you</b> & me",
        "html": "Hello, &lt;b&gt;you&lt;/b&gt; &amp; me",
        "attachments": [],
        "links": [],
        "choices": [],
        "sent_at": events_of.timestamp(message.created_at),
        "recovered": False,
    }


def test_callbacks_are_relayed_in_the_order_they_came(running):
    receive(running, *(said(f"{n}" * 32, f"text {n}") for n in range(5)))

    assert texts(running) == [f"text {n}" for n in range(5)]


@pytest.mark.parametrize(
    ("body", "note"),
    [
        (said("1" * 32, "echo", sys_created_by="Chatbot.Interface"), "our own message"),
        (said("1" * 32, "hidden", internal="true"), "internal"),
        (said("", "nameless"), "no sys_id"),
        (said("1" * 32, "   "), "empty"),
        ({"event": "weather", "group": GROUP}, "nothing to relay"),
    ],
)
def test_what_is_not_for_the_user_is_kept_and_not_relayed(running, body, note):
    receive(running, body)

    assert notes() == [note]
    assert not Event.objects.exists()


def test_a_record_that_we_wrote_is_known_by_its_sys_id(running):
    Outgoing.objects.filter(lane__handoff=running).update(sys_id="9" * 32)

    receive(running, said("9" * 32, "echo under another name"))

    assert notes() == ["our own message"]


def test_a_repeat_changes_nothing(running):
    receive(running, said("1" * 32, "Hello"), said("1" * 32, "Hello"))
    receive(running, said("2" * 32, "Bye"), delivery_id="d-2")
    receive(running, said("2" * 32, "Bye"), delivery_id="d-2")

    assert texts(running) == ["Hello", "Bye"]
    assert notes() == ["", "repeated", ""]


def test_kores_five_keys_are_relayed_decoded(running):
    body = {
        "group": GROUP,
        "formatted_message": "1 %3C 2\\nand &#64;L[https://x.example/1|INC001]",
        "sys_created_by": "beth",
        "last_message": "true",
        "sys_id": "1" * 32,
    }

    receive(running, body)

    data = Event.objects.get(type="message.created").payload["data"]
    assert data["text"] == "1 < 2\nand INC001 (https://x.example/1)"
    assert data["links"] == [{"url": "https://x.example/1", "label": "INC001"}]


def test_system_messages_are_told_apart(running):
    receive(running, said("1" * 32, "Beth has joined", sys_created_by="system"))

    assert Message.objects.get(sys_id="1" * 32).role == "system"


def test_states_become_events_once(running):
    accepted = state("2", assigned_to=AGENT, assigned_to_name="Beth")
    receive(running, accepted, accepted, state("1"))

    running.refresh_from_db()
    assert (running.state, running.agent_name) == ("accepted", "Beth")
    assert events(running) == ["handoff.accepted"]


def test_another_agent_is_a_transfer(running):
    receive(
        running,
        state("2", assigned_to=AGENT, assigned_to_name="Beth"),
        state("2", assigned_to="e" * 32, assigned_to_name="Don"),
    )

    assert events(running) == ["handoff.accepted", "handoff.transferred"]
    newest = Event.objects.order_by("sequence").last()
    assert newest.payload["data"]["agent"]["name"] == "Don"


def test_an_end_is_not_announced_before_a_read(running):
    receive(running, state("2", assigned_to=AGENT), state("3"))

    running.refresh_from_db()
    assert running.state == "accepted"
    assert running.pending_end == {"reason": "completed", "ended_by": "agent"}
    assert running.poll_at <= now()


def test_a_conversation_that_is_not_known_yet_is_waited_for(handoff):
    receive(handoff, said("1" * 32, "Hello"))
    assert notes() == [""]
    assert Callback.objects.get().state == "stored"

    Callback.objects.update(received_at=now() - timedelta(minutes=3))
    inbox.process(bot_id=handoff.bot_id, group_id=GROUP)

    assert notes() == ["unknown conversation"]


def test_a_broken_body_is_stored_before_it_is_refused(running):
    with pytest.raises(MalformedBody):
        services.receive_callback(
            bot=running.bot,
            body=b'{"group": "c", "formatted_message": "say "hi""}',
            authenticated_by="existing_rule",
            delivery_id=None,
        )

    assert Callback.objects.get().state == "broken"


def test_a_broken_body_that_names_its_conversation_makes_us_read_it(http, running):
    Handoff.objects.update(poll_at=now() + timedelta(hours=1))
    broken = f'{{"group": "{GROUP}", "formatted_message": "say "hi""}}'
    with pytest.raises(MalformedBody):
        services.receive_callback(
            bot=running.bot,
            body=broken.encode(),
            authenticated_by="existing_rule",
            delivery_id=None,
        )
    running.refresh_from_db()
    assert running.must_read
    Handoff.objects.update(poll_at=now() - timedelta(seconds=1))
    http.get(STATE, json={"result": [entry(1)]})
    http.get(MESSAGES, json={"result": [message("1" * 32, 'say "hi"')]})

    looking.look(running.pk)

    assert texts(running) == ['say "hi"']
    assert not Handoff.objects.get().must_read


def test_what_nobody_proved_is_read_and_not_believed(http, running):
    Handoff.objects.update(poll_at=None)
    body = {"group": GROUP, "formatted_message": "forged", "sys_created_by": "beth"}
    body |= {"last_message": "true", "sys_id": "1" * 32}
    receive(running, body, authenticated_by="existing_rule")
    assert texts(running) == []
    http.get(STATE, json={"result": [entry(1)]})
    http.get(MESSAGES, json={"result": [message("1" * 32, "Hello")]})

    looking.look(running.pk)

    assert texts(running) == ["Hello"]
    assert notes() == ["not proven, so the conversation is read"]


def test_nothing_is_relayed_after_the_end(running):
    services.end_handoff(handoff_id=running.pk, bot=running.bot)

    receive(running, said("1" * 32, "too late"))

    assert notes() == ["after the end"]
    assert events(running) == ["handoff.failed"]


def test_messages_that_changed_places_on_the_way_are_put_back(running):
    receive(
        running,
        said("2" * 32, "second", sys_created_on="2024-05-01 09:00:02"),
        said("1" * 32, "first", sys_created_on="2024-05-01 09:00:01"),
    )

    assert texts(running) == ["first", "second"]


def test_a_late_word_of_the_old_entry_is_no_second_transfer(running):
    receive(
        running,
        state("1", sys_id="9" * 32),
        state("4"),
        state("1", sys_id="9" * 32, position="2"),
    )

    assert events(running).count("handoff.transferred") == 1


def test_another_spelling_of_the_agents_name_is_no_transfer(running):
    receive(
        running,
        state("2", assigned_to=AGENT, assigned_to_name="Beth Anglin"),
        state("2", assigned_to=AGENT, assigned_to_name="Beth M. Anglin"),
    )

    assert events(running) == ["handoff.accepted"]


def test_an_agent_who_takes_the_chat_again_is_told_again(running):
    mine = {"assigned_to": AGENT, "assigned_to_name": "Beth"}
    other = {"sys_id": "9" * 32, "queue": "e" * 32}
    receive(
        running,
        state("2", **mine),
        state("4"),
        state("1", **other),
        state("2", **other, **mine),
    )

    assert events(running) == [
        "handoff.accepted",
        "handoff.transferred",
        "handoff.transferred",
    ]


def test_a_chat_that_we_left_after_acceptance_was_accepted(running):
    receive(running, state("7"))

    running.refresh_from_db()
    assert running.state == "accepted"
    assert running.pending_end["reason"] == "user_left"
