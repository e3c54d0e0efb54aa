"""A backup is restored while ServiceNow, agent and bot have gone on."""

from dataclasses import dataclass, field
from typing import Any

import pytest
from django.utils.timezone import now

from tests import servers
from tests.end_to_end.stage import Stage, eventually, set_stage

pytestmark = [pytest.mark.end_to_end, pytest.mark.real_http]

BEFORE, SENT_SINCE, UNSENT = "before the backup", "sent since", "never sent"
WRITTEN_SINCE, WRITTEN_LATER = "written since", "written while it was down"


@dataclass
class Bot:
    """Follows the feed, and leaves out the events that it knows."""

    stage: Stage
    after: int = 0
    seen: dict[str, dict[str, Any]] = field(default_factory=dict)

    def read(self) -> int:
        """Take in the next page; return the answer's status."""
        answer = self.stage.call("GET", f"events?after={self.after}&limit=200")
        if answer.ok:
            page = answer.json()
            self.seen = {event["id"]: event for event in page["items"]} | self.seen
            self.after = page["next"]
        return answer.status_code

    def heard(self) -> list[str]:
        """Return what the agent said, in the order of the numbers of events."""
        told = sorted(self.seen.values(), key=lambda event: event["feed_sequence"])
        said = [one["data"] for one in told if one["type"] == "message.created"]
        return [data["text"] for data in said if data["role"] == "agent"]

    def follow(self, text: str) -> None:
        """Read until the agent is heard saying this."""
        eventually(lambda: self.read() == 200 and text in self.heard())


@pytest.fixture
def stage(product, tmp_path):
    product.env |= {"REQUEST_DEADLINE": "8", "SETTLE_TIME": "1"}
    with set_stage(product, tmp_path / "sandbox") as stage:
        yield stage


@pytest.fixture
def handoff_id(stage) -> str:
    """A handoff with an agent, in which two messages wait for a worker."""
    worker = stage.product.worker()
    stage.product.beat()
    handoff_id = stage.start("c-1")
    eventually(stage.desk.find_waiting)
    stage.desk.accept()
    stage.post(handoff_id, BEFORE)
    # Recorded too: the lane is not the worker's any more.
    eventually(lambda: (BEFORE, "sent") in deliveries(stage, handoff_id))
    worker.kill()
    stage.post(handoff_id, SENT_SINCE)
    stage.post(handoff_id, UNSENT)
    return str(handoff_id)


def deliveries(stage: Stage, handoff_id: str) -> list[tuple[str, str]]:
    return [(row["text"], row["delivery"]) for row in stage.messages(handoff_id)]


def go_on(stage: Stage, bot: Bot) -> None:
    """One message reaches ServiceNow, one does not; the agent writes, and all ends."""
    stage.proxy.hold("/messages")
    stage.product.worker("worker of the time that is forgotten")
    # Its answer never comes, so the lane goes no further.
    assert stage.proxy.holding.wait(20)
    stage.desk.say(WRITTEN_SINCE)
    bot.follow(WRITTEN_SINCE)
    stage.product.stop()
    stage.proxy.let_go()
    stage.desk.say(WRITTEN_LATER)


def test_an_older_backup_costs_no_message_and_repeats_none(stage, handoff_id, tmp_path):
    bot, url = Bot(stage), stage.product.env["DATABASE_URL"]
    servers.dump(url, file=tmp_path / "backup")
    since = now()
    go_on(stage, bot)

    servers.restore(url, file=tmp_path / "backup")
    said = stage.product.manage("after_restore", "--since", since.isoformat())
    stage.product.web()
    stage.product.beat()
    stage.product.worker("worker of the new time")

    assert "to be looked up: 2" in said
    assert bot.read() == 409
    bot.after = 0
    bot.follow(WRITTEN_LATER)
    written = [text for text in bot.heard() if text.startswith("written")]
    assert written == [WRITTEN_SINCE, WRITTEN_LATER]
    eventually(lambda: UNSENT in stage.shown(), timeout=60)
    ours = [text for text in stage.shown() if text in (BEFORE, SENT_SINCE, UNSENT)]
    assert ours == [BEFORE, SENT_SINCE, UNSENT]
