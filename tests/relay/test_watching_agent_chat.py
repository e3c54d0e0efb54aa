"""What the watch leaves alone: ends that are known already, words not yet read."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.utils.timezone import now

from handoff import services
from handoff.models import Handoff, Outgoing
from handoff.models.handoff import State
from handoff.relay import inbox, watching
from tests.relay.agent_chat import (
    ACCEPTED,
    LEFT,
    WAITING,
    call_back,
    drain,
    final,
    pass_time,
    text,
)
from tests.relay.conftest import VIRTUAL_AGENT, events, post, states

pytestmark = pytest.mark.django_db

NO_AGENTS = text("There are no agents available right now.")


def long_ago() -> None:
    Outgoing.objects.update(attempt_started_at=now() - timedelta(seconds=61))


def receive(handoff: Handoff, *parts: dict[str, Any]) -> None:
    """Store a callback that no worker has come to."""
    envelope = {"clientSessionId": handoff.group_id, "body": list(parts)}
    services.receive_callback(
        bot=handoff.bot,
        body=json.dumps(envelope).encode(),
        authenticated_by="header",
        delivery_id=None,
    )


def test_a_ring_without_a_callback_is_no_word_from_servicenow(chat):
    """As each start rings, in case something was called back before it."""
    inbox.process(bot_id=chat.bot_id, group_id=chat.group_id)
    long_ago()
    watching.watch()

    assert final(chat)["reason"] == "delivery_failed"


def test_an_end_that_is_about_to_be_told_keeps_its_reason(chat):
    call_back(chat, NO_AGENTS)
    long_ago()
    watching.watch()
    pass_time(chat, seconds=4)

    assert final(chat)["reason"] == "no_agent_available"


def test_an_end_of_a_long_wait_keeps_its_reason(chat):
    call_back(chat, WAITING, agentChat=True)
    call_back(chat, NO_AGENTS)
    Handoff.objects.update(created_at=now() - timedelta(hours=1))
    watching.watch()
    pass_time(chat, seconds=4)

    assert final(chat)["reason"] == "no_agent_available"


def test_nobody_is_warned_of_idleness_while_the_survey_runs(chat):
    chat.bot.agent_chat.relay_survey = True
    chat.bot.agent_chat.save()
    call_back(chat, ACCEPTED)
    call_back(chat, LEFT)
    chat.messages.update(created_at=now() - timedelta(hours=1))
    Handoff.objects.update(accepted_at=now() - timedelta(hours=1))
    watching.watch()
    assert events(chat) == ["handoff.accepted"]

    pass_time(chat, minutes=11)

    assert final(chat)["reason"] == "completed"


def test_words_that_no_worker_has_read_yet_are_no_silence(chat):
    receive(chat, WAITING)
    long_ago()
    watching.watch()
    inbox.process(bot_id=chat.bot_id, group_id=chat.group_id)
    chat.refresh_from_db()

    assert chat.state == State.QUEUED


def test_a_start_of_unknown_outcome_is_proven_by_a_refusal_too(http, chat_bot):
    request = services.StartRequest(conversation_id="c-9", message="Hello?")
    handoff = services.start_handoff(bot=chat_bot, request=request).handoff
    http.post(VIRTUAL_AGENT, status=502)
    drain(handoff)
    post(handoff, "Hello again")
    call_back(handoff, NO_AGENTS)
    pass_time(handoff, seconds=4)
    http.post(VIRTUAL_AGENT, json={"status": "success"})

    drain(handoff)

    assert states(handoff) == ["sent", "failed", "sent"]
    assert final(handoff)["reason"] == "no_agent_available"
