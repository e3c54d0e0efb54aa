"""A handoff over Agent Chat, from a 200 that promises nothing to its one end."""

import json
from datetime import timedelta

import pytest
import responses
from django.utils.timezone import now

from handoff import services
from handoff.models import Event, Outgoing
from handoff.models.handoff import State
from handoff.models.message import Role
from handoff.relay import watching
from tests.relay.agent_chat import (
    ACCEPTED,
    AGENT,
    LEFT,
    WAITING,
    actions,
    call_back,
    drain,
    final,
    pass_time,
    said,
    system,
    text,
)
from tests.relay.conftest import VIRTUAL_AGENT, events, post, states

pytestmark = pytest.mark.django_db

NO_AGENTS = text("There are no agents available right now.")


@pytest.fixture
def accepted(chat):
    call_back(chat, WAITING, agentChat=True)
    call_back(chat, ACCEPTED)
    return chat


def test_a_200_is_no_promise(chat):
    chat.refresh_from_db()

    assert (chat.state, chat.group_id) == (State.REQUESTED, chat.id.hex)
    assert states(chat) == ["sent"]
    assert events(chat) == []


def test_what_is_called_back_makes_it_queued_and_accepted(chat):
    call_back(chat, WAITING, agentChat=True)
    call_back(chat, ACCEPTED)

    assert events(chat) == ["handoff.queued", "handoff.accepted"]
    queued = Event.objects.get(type="handoff.queued").payload["data"]
    assert (queued["wait_text"], queued["wait_seconds"]) == ("13 Seconds", 13)


def test_messages_wait_for_the_agent_and_then_go(http, chat):
    post(chat, "Are you there?")
    drain(chat)
    assert states(chat) == ["sent", "pending"]

    http.post(VIRTUAL_AGENT, json={"status": "success"})
    call_back(chat, ACCEPTED)
    drain(chat)

    message = json.loads(http.calls[-1].request.body)["message"]
    assert message["text"] == "Are you there?"
    assert states(chat) == ["sent", "sent"]
    assert events(chat) == ["handoff.accepted", "message.delivered"]


def test_messages_that_no_agent_will_read_are_told_before_the_end(http, chat):
    post(chat, "Are you there?")
    services.end_handoff(handoff_id=chat.pk, bot=chat.bot)
    http.post(VIRTUAL_AGENT, json={"status": "success"})
    drain(chat)

    assert events(chat) == ["message.failed", "handoff.failed"]
    assert states(chat) == ["sent", "failed", "sent"]
    assert actions(http)[-1] == "END_CONVERSATION"


def test_a_start_of_unknown_outcome_is_proven_by_a_callback(http, chat_bot):
    request = services.StartRequest(conversation_id="c-9", message="Hello?")
    handoff = services.start_handoff(bot=chat_bot, request=request).handoff
    http.post(VIRTUAL_AGENT, status=502)
    drain(handoff)
    assert states(handoff) == ["sending"]

    call_back(handoff, ACCEPTED)
    post(handoff, "Hello again")
    http.post(VIRTUAL_AGENT, json={"status": "success"})
    drain(handoff)

    assert states(handoff) == ["sent", "sent"]
    assert len(http.calls) == 2


@pytest.mark.parametrize(
    ("parts", "fields", "reason", "ended_by"),
    [
        ([NO_AGENTS], {"completed": True}, "no_agent_available", "system"),
        ([NO_AGENTS], {}, "no_agent_available", "system"),
        ([LEFT], {}, "rejected", "agent"),
        ([], {"completed": True}, "rejected", "agent"),
        ([text("Sorry?")], {"takeControl": True, "score": 0.2}, "not_routed", "system"),
        ([], {"takeControl": True, "score": 0}, "faulted", "system"),
    ],
)
def test_an_end_before_an_agent_came_fails_once(
    http, chat, parts, fields, reason, ended_by
):
    call_back(chat, *parts, **fields)
    call_back(chat, *parts, **fields)
    pass_time(chat, seconds=4)
    pass_time(chat, seconds=4)

    told = final(chat)
    assert (chat.state, told["reason"]) == (State.FAILED, reason)
    assert told["ended_by"] == ended_by
    http.post(VIRTUAL_AGENT, json={"status": "success"})
    drain(chat)
    assert actions(http)[-1] == "END_CONVERSATION"


@pytest.mark.parametrize(
    ("parts", "fields", "reason", "ended_by"),
    [
        ([LEFT], {}, "completed", "agent"),
        ([], {"completed": True}, "completed", "agent"),
        ([system("Beth has closed the support session.")], {}, "completed", "agent"),
        (
            [system("The support session was closed."), LEFT],
            {"completed": True},
            "idle_timeout",
            "system",
        ),
        ([], {"takeControl": True, "score": "0"}, "conversation_gone", "system"),
    ],
)
def test_an_end_with_an_agent_is_told_once(
    http, accepted, parts, fields, reason, ended_by
):
    http.post(VIRTUAL_AGENT, json={"status": "success"})
    call_back(accepted, *parts, **fields)
    pass_time(accepted, seconds=4)
    drain(accepted)

    told = final(accepted)
    assert (told["reason"], told["ended_by"]) == (reason, ended_by)
    assert accepted.state == State.ENDED
    assert actions(http)[-1] == "END_CONVERSATION"


def test_a_message_that_the_end_overtook_comes_before_the_final_event(accepted):
    call_back(accepted, LEFT)
    call_back(accepted, text("Good-bye!", agentInfo=AGENT, messageId="1" * 32))
    pass_time(accepted, seconds=1)
    assert accepted.state == State.ACCEPTED
    pass_time(accepted, seconds=3)

    assert events(accepted)[-2:] == ["message.created", "handoff.ended"]


def test_silence_after_a_200_ends_as_not_delivered(http, chat):
    Outgoing.objects.update(attempt_started_at=now() - timedelta(seconds=61))
    watching.watch()
    watching.watch()

    told = final(chat)
    assert told["reason"] == "delivery_failed"
    assert "called nothing back" in told["detail"]
    http.post(VIRTUAL_AGENT, json={"status": "success"})
    drain(chat)
    assert actions(http)[-1] == "END_CONVERSATION"


def test_talk_without_a_queue_ends_as_not_routed(chat):
    call_back(chat, text("I did not get that."))
    watching.watch()
    assert events(chat) == []

    Outgoing.objects.update(attempt_started_at=now() - timedelta(seconds=61))
    watching.watch()

    assert final(chat)["reason"] == "not_routed"
    assert said(chat) == []


def test_the_virtual_agent_is_not_heard_before_or_after_the_agent(accepted):
    call_back(accepted, text("How can I help?", agentInfo=AGENT, messageId="1" * 32))
    call_back(accepted, LEFT, text("Is there anything else?"))

    assert said(accepted) == [("agent", "How can I help?")]


def test_the_virtual_agent_is_heard_where_the_bot_asks_for_it(chat):
    chat.bot.agent_chat.relay_virtual_agent = True
    chat.bot.agent_chat.save()

    call_back(chat, text("Let me find somebody."))

    assert said(chat) == [("system", "Let me find somebody.")]


def test_without_a_word_on_the_speaker_the_agent_spoke_while_he_was_there(accepted):
    call_back(accepted, text("Just a moment"), agentChat=True)

    assert said(accepted) == [("agent", "Just a moment")]


def test_an_agent_whose_name_comes_later_is_no_other_agent(accepted):
    call_back(accepted, text("Hello", agentInfo=AGENT, messageId="1" * 32))
    assert "handoff.transferred" not in events(accepted)
    assert accepted.agent_name == "Beth"

    other = AGENT | {"agentName": "Don", "agentId": "e" * 32}
    call_back(accepted, text("Hi, Don here", agentInfo=other, messageId="2" * 32))

    assert events(accepted)[-2:] == ["handoff.transferred", "message.created"]


def test_a_late_word_of_the_queue_does_not_bring_back_the_wait(accepted):
    call_back(accepted, WAITING)

    assert (accepted.state, accepted.wait_text) == (State.ACCEPTED, "")


def test_posts_with_an_id_are_relayed_once(accepted):
    for _ in range(2):
        call_back(accepted, text("Hello", agentInfo=AGENT, messageId="1" * 32))

    assert said(accepted) == [("agent", "Hello")]


def test_without_ids_a_repeat_is_told_from_the_same_words_by_time(accepted):
    for _ in range(2):
        call_back(accepted, text("Yes", agentInfo=AGENT))
    assert len(said(accepted)) == 1

    accepted.messages.update(created_at=now() - timedelta(seconds=3))
    call_back(accepted, text("Yes", agentInfo=AGENT))

    assert said(accepted) == [("agent", "Yes"), ("agent", "Yes")]


def test_the_transcript_goes_with_the_start_and_not_as_messages(http, chat_bot):
    request = services.StartRequest(
        conversation_id="c-3",
        message="A person, please.",
        transcript=[services.TranscriptEntry(role=Role.USER, text="Hello")],
    )
    handoff = services.start_handoff(bot=chat_bot, request=request).handoff
    http.post(VIRTUAL_AGENT, json={"status": "success"})
    drain(handoff)

    body = json.loads(http.calls[0].request.body)
    assert [one["value"] for one in body["history"]] == ["Hello"]
    assert states(handoff) == ["sent"]


def test_a_chosen_option_goes_as_its_value(http, accepted):
    chosen = services.NewMessage(id="m-1", text="Very good", choice_value="3")
    services.post_message(handoff_id=accepted.pk, bot=accepted.bot, message=chosen)
    http.add(responses.POST, VIRTUAL_AGENT, json={"status": "success"})
    drain(accepted)

    message = json.loads(http.calls[-1].request.body)["message"]
    assert (message["text"], message["typed"]) == ("3", False)
