"""What the product makes of a closed queue, on the stand-in's own tables."""

import pytest

from handoff import relay, services
from handoff.models import Event
from handoff.models.bot import WithoutAgent
from tests.faults.chat import open_bot
from tests.relay.conftest import to_servicenow

pytestmark = [pytest.mark.real_http, pytest.mark.django_db]


def test_a_closed_queue_ends_in_one_incident(sandbox_instance, settings):
    bot = open_bot(sandbox_instance, settings)
    bot.without_agent = WithoutAgent.INCIDENT
    bot.save()
    request = services.StartRequest(conversation_id="c-1", message="It is jammed.")
    handoff = services.start_handoff(bot=bot, request=request).handoff

    sandbox_instance.switch(queues_open=False)
    relay.drain(to_servicenow(handoff).pk)
    sandbox_instance.switch(queues_open=True)

    ticket = Event.objects.get(type="handoff.failed").payload["data"]["ticket"]
    query = f"correlation_id={handoff.pk}"
    rows = sandbox_instance.table("incident", sysparm_query=query)
    assert [row["number"] for row in rows] == [ticket["number"]]
    assert "User: It is jammed." in rows[0]["description"]
