"""Each named moment comes, in its order, and a worker can be stopped at it."""

import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from signal import SIGKILL

import pytest
from django.utils.timezone import now

from handoff import events, failpoints, relay
from handoff.failpoints import Point
from handoff.models import Lane
from handoff.models.lane import Direction
from handoff.relay import looking
from tests.faults.traps import Killed, die, trap
from tests.model.state import RECORDED, At
from tests.processes import ROOT, inherited
from tests.relay.conftest import (
    MESSAGES,
    STATE,
    WEBHOOK,
    entry,
    message,
    post,
    states,
    to_bot,
    to_servicenow,
)
from tests.relay.test_inbox import receive, said

pytestmark = pytest.mark.django_db

SENT = [Point.AFTER_CLAIM, Point.AFTER_INTENT, Point.AFTER_ANSWER, Point.NONE_LEFT]
TOLD = [Point.CALLBACK_STORED, Point.IN_PROCESSING]
REREAD = [Point.AFTER_CLAIM, Point.DURING_READ_BACK, Point.AFTER_RECORD]
LOOKED = [Point.DURING_LOOK]


@pytest.fixture
def reached() -> Iterator[list[Point]]:
    points: list[Point] = []

    def listen(point: Point, about: object) -> None:
        points.append(point)

    failpoints.listeners.append(listen)
    yield points
    failpoints.listeners.remove(listen)


def test_a_drain_to_servicenow_passes_its_moments(http, running, reached):
    post(running, "one")
    http.post(MESSAGES, json={"result": {"sys_id": "1" * 32}})

    relay.drain(to_servicenow(running).pk)

    assert reached == [*SENT, Point.AFTER_RECORD]


def test_a_drain_to_the_bot_passes_the_same_ones(http, webhook_bot, running, reached):
    running.bot = webhook_bot
    events.emit(running, "message.created", {})
    http.post(WEBHOOK, status=204)

    relay.drain(to_bot(running).pk)

    assert reached == [*SENT, Point.AFTER_RECORD]


def test_a_read_back_passes_its_own(http, running, reached):
    post(running, "one")
    http.post(MESSAGES, status=502, body="<html>")
    http.get(MESSAGES, json={"result": []})
    lane = to_servicenow(running)
    relay.drain(lane.pk)
    reached.clear()

    Lane.objects.filter(pk=lane.pk).update(wake_at=now() - timedelta(seconds=1))
    relay.drain(lane.pk)

    assert reached == REREAD


def test_a_callback_passes_its_moments(running, reached):
    receive(running, said("1" * 32, "Hello"))

    assert reached == TOLD


def test_a_look_passes_its_own(http, running, reached):
    type(running).objects.filter(pk=running.pk).update(must_read=True)
    http.get(STATE, json={"result": [entry()]})
    http.get(MESSAGES, json={"result": [message("1" * 32, "Hello")]})

    looking.look(running.pk)

    assert reached == LOOKED


def test_no_moment_has_a_name_and_never_comes():
    assert {*SENT, *TOLD, *REREAD, *LOOKED} == set(Point)


def test_whoever_stops_at_a_moment_is_gone(http, running):
    post(running, "one")

    with (
        trap(Point.AFTER_INTENT, die, direction=Direction.TO_SERVICENOW),
        trap(Point.AFTER_CLAIM, die, direction=Direction.TO_BOT),
        pytest.raises(Killed),
    ):
        relay.drain(to_servicenow(running).pk)

    assert states(running)[-1] == "sending"


@pytest.mark.real_http
def test_a_worker_is_killed_at_a_moment_once(tmp_path):
    marker = tmp_path / "marker"
    environment = inherited() | {
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "RELAY_FAILPOINT": f"{Point.AFTER_INTENT}@to_bot:kill:{marker}",
    }
    run = """
import django, tests.faults.worker
django.setup()
from handoff.failpoints import Point, reach
from handoff.models import Lane
reach(Point.AFTER_INTENT, Lane(direction="to_servicenow"))
reach(Point.AFTER_CLAIM, Lane(direction="to_bot"))
reach(Point.AFTER_INTENT, Lane(direction="to_bot"))
"""

    def end() -> int:
        command = [sys.executable, "-c", run]
        return subprocess.run(
            command, env=environment, cwd=ROOT, check=False
        ).returncode

    assert end() == -SIGKILL
    assert marker.exists()
    assert end() == 0


# Where the model has a worker, a real one can be stopped.
MOMENTS = {
    At.OWNER: Point.AFTER_CLAIM,
    At.INTENDS: Point.AFTER_INTENT,
    At.ARRIVED: Point.AFTER_ANSWER,
    At.NOT_SENT: Point.AFTER_ANSWER,
    At.UNKNOWN: Point.AFTER_ANSWER,
    At.ABSENT: Point.DURING_READ_BACK,
    At.LEAVES: Point.NONE_LEFT,
}


def test_a_worker_can_be_stopped_where_the_model_knows_more_than_the_database():
    assert {At.OWNER, At.INTENDS, At.LEAVES, *RECORDED} == set(MOMENTS)
    of_lanes = {*SENT, *REREAD} - {Point.AFTER_RECORD}
    assert set(MOMENTS.values()) == of_lanes
