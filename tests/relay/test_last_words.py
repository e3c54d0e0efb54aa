"""What the agent wrote last is in the transcript, however the user went."""

from typing import Any

import pytest
from django.utils.timezone import now

from handoff import services
from handoff.models import Handoff, Outgoing
from handoff.models.handoff import Reason
from handoff.relay import leaving
from tests.relay.agent_chat import ACCEPTED, AGENT, call_back, text
from tests.relay.conftest import (
    LEAVE,
    MESSAGES,
    drain,
    entry,
    events,
    message,
    states,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def left(running: Handoff) -> Handoff:
    """The user went away while the agent was writing."""
    Handoff.objects.update(state="accepted", accepted_at=now())
    services.end_handoff(
        handoff_id=running.pk, bot=running.bot, reason=Reason.USER_LEFT
    )
    return running


def transcript(handoff: Handoff) -> list[tuple[str, bool]]:
    said = handoff.messages.filter(role="agent").order_by("number")
    return list(said.values_list("text", "recovered"))


def test_what_no_callback_told_is_read_before_we_leave(http: Any, left):
    http.get(MESSAGES, json={"result": [message("1" * 32, "Try the other key.")]})
    http.post(LEAVE, json={"result": entry(7)})

    drain(left)

    assert [call.request.method for call in http.calls] == ["GET", "POST"]
    assert transcript(left) == [("Try the other key.", True)]
    assert events(left) == ["handoff.ended"]


def test_a_callback_that_comes_after_the_end_completes_the_transcript(chat):
    call_back(chat, ACCEPTED)
    services.end_handoff(handoff_id=chat.pk, bot=chat.bot)

    call_back(chat, text("Try the other key.", agentInfo=AGENT, messageId="m-1"))

    assert transcript(chat) == [("Try the other key.", False)]
    assert "message.created" not in events(chat)
    assert not chat.messages.exclude(receipt="").exists()


def test_a_conversation_that_is_shut_to_us_is_left_all_the_same(http, left):
    http.get(MESSAGES, status=403, json={"result": "restricted"})
    http.post(LEAVE, json={"result": entry(7)})

    drain(left)

    assert states(left)[-1] == "sent"


def test_a_read_that_fails_is_tried_again_before_we_leave(http, left):
    http.get(MESSAGES, status=502, body="<html>")
    drain(left)
    assert states(left)[-1] == "pending"
    http.get(MESSAGES, json={"result": [message("1" * 32, "Bye")]})
    http.post(LEAVE, json={"result": entry(7)})

    drain(left)

    assert (states(left)[-1], len(transcript(left))) == ("sent", 1)


def test_nobody_is_kept_for_long_by_what_cannot_be_read(http, left):
    Outgoing.objects.filter(kind="end").update(created_at=now() - leaving.PATIENCE)
    http.get(MESSAGES, status=502, body="<html>")
    http.post(LEAVE, json={"result": entry(7)})

    drain(left)

    assert states(left)[-1] == "sent"


def test_nobody_is_kept_by_messages_that_are_hidden_from_us(http, left):
    left.messages.create(role="agent", sys_id="1" * 32, text="Try the other key.")
    http.get(MESSAGES, json={"result": []})
    drain(left)
    assert states(left)[-1] == "pending"
    Outgoing.objects.filter(kind="end").update(created_at=now() - leaving.PATIENCE)
    http.post(LEAVE, json={"result": entry(7)})

    drain(left)

    assert states(left)[-1] == "sent"


@pytest.fixture
def not_left(http: Any, left: Handoff) -> Handoff:
    """The last words were read, and the conversation could not be left."""
    http.get(MESSAGES, json={"result": []})
    http.post(LEAVE, status=500, json={"error": {"message": "no"}})
    drain(left)
    Outgoing.objects.filter(kind="end").update(state="pending")
    http.post(LEAVE, json={"result": entry(7)})
    return left


def test_what_was_just_read_is_not_read_before_each_attempt(http, not_left):
    drain(not_left)

    assert [call.request.method for call in http.calls] == ["GET", "POST", "POST"]


def test_what_was_read_a_while_ago_is_read_again_before_we_leave(http, not_left):
    a_while_ago = now() - leaving.FRESH
    Outgoing.objects.filter(kind="end").update(
        progress={leaving.HEARD_AT: a_while_ago.isoformat()}
    )
    http.replace("GET", MESSAGES, json={"result": [message("1" * 32, "Wait!")]})

    drain(not_left)

    assert transcript(not_left) == [("Wait!", True)]
    assert states(not_left)[-1] == "sent"
