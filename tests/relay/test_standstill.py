"""What comes while no worker runs, or the database is away, is not lost nor stuck."""

import json
from datetime import timedelta

import pytest
from django.db.models import F

from handoff import services
from handoff.models import Callback
from handoff.relay import inbox
from tests.relay.agent_chat import ACCEPTED, AGENT, call_back, said, text

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
