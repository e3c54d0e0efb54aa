"""How a handoff gets into a queue of its own by the AWA Routing API."""

import pytest

from handoff.chat_systems import EntryState, Opening
from servicenow_auth.exceptions import Rejected, Throttled
from tests.chat_systems.wire import (
    CONTEXT,
    CREATED,
    HOST,
    INTERACTION,
    NO,
    RECEIVED,
    URL,
    WAITING,
    asked,
    envelope,
)

QUEUE = "b2" * 16
WORK_ITEMS = f"{HOST}/api/now/awa/queues/{QUEUE}/work_item"


def routed(queue_id: str = QUEUE) -> Opening:
    return Opening(id="7-1", text="My door is jammed.", queue_id=queue_id)


def test_an_interaction_is_routed_before_the_start(http, agent_chat, there):
    http.post(URL, json=CREATED)
    http.post(WORK_ITEMS, json={"result": {"sys_id": "9a" * 16}}, status=201)
    http.post(URL, json=WAITING)

    agent_chat(queue_mode="awa").start(there, routed())

    create, work_item, start = asked(http)
    assert create["contextVariables"] == CONTEXT
    assert work_item == {
        "document_table": "interaction",
        "document_sys_id": INTERACTION,
    }
    assert start["action"] == "START_CREATED_CONVERSATION"


def test_an_interaction_may_be_named_in_the_part(http, agent_chat, there):
    part = {"actionType": "CreateConversation", "interactionId": INTERACTION}
    http.post(URL, json={"result": {"body": [part]}})
    http.post(WORK_ITEMS, json={"result": {}})
    http.post(URL, json=WAITING)

    agent_chat(queue_mode="awa").start(there, routed())

    assert asked(http)[1]["document_sys_id"] == INTERACTION


def test_a_queue_that_is_not_there_leaves_nothing_started(http, agent_chat, there):
    http.post(URL, json=CREATED)
    http.post(WORK_ITEMS, json=NO, status=404)

    with pytest.raises(Rejected) as refused:
        agent_chat(queue_mode="awa").start(there, routed())

    assert refused.value.status == 404
    assert len(http.calls) == 2


@pytest.mark.parametrize(
    "created", [RECEIVED, envelope({"actionType": "CreateConversation"})]
)
def test_without_an_interaction_nothing_can_be_routed(created, http, agent_chat, there):
    http.post(URL, json=created)

    with pytest.raises(Rejected) as refused:
        agent_chat(queue_mode="awa").start(there, routed())

    assert refused.value.status == 404
    assert "no interaction" in refused.value.detail


def test_without_a_queue_nothing_is_routed(http, agent_chat, there):
    http.post(URL, json=CREATED)
    http.post(URL, json=WAITING)

    seen = agent_chat(queue_mode="awa").start(there, routed(queue_id=""))

    assert seen.state == EntryState.WAITING


def test_a_start_goes_on_where_it_was_left(http, agent_chat, there):
    opening = routed()
    created = http.post(URL, json=CREATED)
    work_item = http.post(WORK_ITEMS, json={"result": {}}, status=201)
    http.post(URL, json=NO, status=429)
    http.post(URL, json=WAITING)
    with pytest.raises(Throttled):
        agent_chat(queue_mode="awa").start(there, opening)

    seen = agent_chat(queue_mode="awa").start(there, opening)

    assert seen.state == EntryState.WAITING
    assert (created.call_count, work_item.call_count) == (1, 1)
    assert asked(http)[-1]["action"] == "START_CREATED_CONVERSATION"
