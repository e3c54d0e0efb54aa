"""How a conversation over Agent Chat is left when it ends from our side."""

import json
from typing import Any

import pytest
from django.utils.timezone import now

from handoff import relay, services
from handoff.models import Lane
from tests.relay.agent_chat import ACCEPTED, WAITING, actions, call_back, drain
from tests.relay.conftest import VIRTUAL_AGENT, post, states, to_servicenow

pytestmark = pytest.mark.django_db


def end(handoff: Any) -> None:
    services.end_handoff(handoff_id=handoff.pk, bot=handoff.bot)


def test_the_last_words_and_the_end_go_after_it_is_final(http, chat):
    call_back(chat, ACCEPTED)
    post(chat, "Thanks, bye!")
    end(chat)
    http.post(VIRTUAL_AGENT, json={"status": "success"})

    drain(chat)

    assert states(chat) == ["sent", "sent", "sent"]
    assert actions(http)[-2:] == [None, "END_CONVERSATION"]
    last_words = json.loads(http.calls[-2].request.body)["message"]["text"]
    assert last_words == "Thanks, bye!"


def test_a_user_who_waits_no_longer_is_taken_out_of_the_queue_at_once(
    http, chat, django_capture_on_commit_callbacks
):
    call_back(chat, WAITING, agentChat=True)
    post(chat, "Is anybody there?")
    relay.drain(to_servicenow(chat).pk)
    assert to_servicenow(chat).wake_at > now()

    with django_capture_on_commit_callbacks(execute=True):
        end(chat)
    http.post(VIRTUAL_AGENT, json={"status": "success"})
    relay.drain(to_servicenow(chat).pk)

    assert actions(http)[-1] == "END_CONVERSATION"


def test_an_agent_who_accepts_wakes_what_waits_for_him(
    http, chat, django_capture_on_commit_callbacks
):
    post(chat, "Is anybody there?")
    relay.drain(to_servicenow(chat).pk)

    with django_capture_on_commit_callbacks(execute=True):
        call_back(chat, ACCEPTED)

    assert Lane.objects.filter(pk=to_servicenow(chat).pk, wake_at__lte=now()).exists()
