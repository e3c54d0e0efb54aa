"""What comes while no worker runs, or the database is away, is not lost nor stuck."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.db.models import F

from handoff import services
from handoff.models import Callback
from handoff.relay import inbox
from tests.relay.agent_chat import ACCEPTED, AGENT, call_back, drain, said, text
from tests.relay.conftest import MESSAGES, VIRTUAL_AGENT, events, states
from tests.relay.test_files import TAKEN, UPLOAD, say, upload

pytestmark = pytest.mark.django_db


def test_the_same_words_said_twice_during_a_standstill_are_both_relayed(chat):
    call_back(chat, ACCEPTED)
    envelope = {
        "clientSessionId": chat.group_id,
        "body": [text("Yes", agentInfo=AGENT)],
    }
    for _ in range(2):
        Callback.objects.update(received_at=F("received_at") - timedelta(seconds=10))
        services.receive_callback(
            bot=chat.bot,
            body=json.dumps(envelope).encode(),
            authenticated_by="header",
            delivery_id=None,
        )
    inbox.process(bot_id=chat.bot_id, group_id=chat.group_id)

    assert said(chat) == [("agent", "Yes"), ("agent", "Yes")]


@contextmanager
def unreadable(table: str) -> Iterator[None]:
    """Lose the database at each read of a table."""

    def lose(
        execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any
    ) -> Any:
        if f'FROM "{table}"' in sql:
            raise OperationalError("the connection is lost")
        return execute(sql, params, many, context)

    with connection.execute_wrapper(lose):
        yield


def test_a_file_that_the_database_did_not_give_was_not_sent(http, running):
    say(running, upload(running))
    with unreadable("handoff_attachmentpiece"):
        drain(running)
    assert states(running) == ["sent", "pending"]

    http.post(UPLOAD, status=201, json=TAKEN)
    http.post(MESSAGES, json=TAKEN)
    drain(running)

    assert events(running) == ["message.delivered"]


def test_a_start_whose_history_the_database_did_not_give_was_not_sent(http, chat_bot):
    request = services.StartRequest(conversation_id="c-1", message="My door is jammed.")
    handoff = services.start_handoff(bot=chat_bot, request=request).handoff
    with unreadable("handoff_message"):
        drain(handoff)
    assert states(handoff) == ["pending"]

    http.post(VIRTUAL_AGENT, json={"status": "success"})
    drain(handoff)

    assert states(handoff) == ["sent"]
