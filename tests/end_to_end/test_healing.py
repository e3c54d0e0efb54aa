"""What ServiceNow says while nobody here can be called."""

from itertools import pairwise

import pytest

from tests.end_to_end.stage import eventually, set_stage

pytestmark = [pytest.mark.end_to_end, pytest.mark.real_http]
WORDS = [f"word {number}" for number in range(20)]


@pytest.fixture
def stage(product, tmp_path):
    product.env["POLL_INTERVAL"] = "3"
    with set_stage(product, tmp_path / "sandbox") as stage:
        yield stage


def test_what_an_agent_writes_and_ends_while_web_is_down_comes_in_order_with_one_end(
    stage,
):
    web = stage.product.processes[-1]
    stage.product.worker()
    stage.product.beat()
    handoff_id = stage.start("c-1")
    eventually(stage.desk.find_waiting)
    stage.desk.accept()
    eventually(lambda: stage.state_of(handoff_id) == "accepted")
    web.kill()
    for word in WORDS:
        stage.desk.say(word)
    stage.desk.end()

    stage.product.web()
    eventually(lambda: stage.state_of(handoff_id) == "ended", timeout=30)

    events = stage.call("GET", "events?limit=200").json()["items"]
    about = [event for event in events if event["handoff"]]
    said = [event["data"] for event in about if event["type"] == "message.created"]
    assert [data["text"] for data in said if data["text"] in WORDS] == WORDS
    assert [event["data"].get("final", False) for event in about].count(True) == 1
    assert about[-1]["type"] == "handoff.ended"
    assert about[-1]["data"]["messages_complete"] is True
    numbers = [event["sequence"] for event in about]
    assert all(after == before + 1 for before, after in pairwise(numbers))
