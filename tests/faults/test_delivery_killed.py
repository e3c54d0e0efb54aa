"""Workers die by kill -9 at each moment of a send; the agent sees each message once."""

from collections.abc import Iterator
from pathlib import Path
from signal import SIGKILL

import psycopg
import pytest

from handoff.failpoints import Point
from tests.end_to_end.stage import Stage, eventually, set_stage
from tests.processes import Process, Product

pytestmark = [pytest.mark.end_to_end, pytest.mark.real_http]

SAID = ("one", "two", "three")
# In this order each worker finds what the one before it left.
DEATHS = (
    Point.AFTER_CLAIM,
    Point.AFTER_INTENT,
    Point.AFTER_ANSWER,
    Point.DURING_READ_BACK,
    Point.AFTER_RECORD,
)


@pytest.fixture
def stage(product: Product, tmp_path: Path) -> Iterator[Stage]:
    product.env |= {"REQUEST_DEADLINE": "2", "SETTLE_TIME": "1", "LANE_LEASE": "12"}
    with set_stage(product, tmp_path / "sandbox") as stage:
        yield stage


def start_doomed(product: Product, point: Point) -> Process:
    """Start a worker that is killed when it first reaches the moment."""
    product.env["RELAY_FAILPOINT"] = f"{point}@to_servicenow:kill"
    product.celery_app = "tests.faults.worker"
    return product.worker(f"dies-{point}")


def end_leases(product: Product) -> None:
    """Do what time does: here nobody waits for a dead worker's lease."""
    with psycopg.connect(product.env["DATABASE_URL"], autocommit=True) as database:
        database.execute("UPDATE handoff_lane SET lease_until = now()")


def test_a_worker_killed_at_each_moment_of_a_send_costs_and_doubles_nothing(stage):
    product = stage.product
    product.beat()
    first = product.worker("first")
    handoff_id = stage.start("c-1")
    eventually(stage.desk.find_waiting)
    stage.desk.accept()
    first.kill()
    for text in SAID:
        stage.post(handoff_id, text)

    for point in DEATHS:
        end_leases(product)
        assert start_doomed(product, point).popen.wait(60) == -SIGKILL

    end_leases(product)
    product.celery_app = "config"
    product.worker("last")
    delivered = {"one": "sent", "two": "sent", "three": "sent"}
    eventually(lambda: delivery(stage, handoff_id) == delivered)
    assert [text for text in stage.shown() if text in SAID] == list(SAID)


def delivery(stage: Stage, handoff_id: str) -> dict[str, str]:
    rows = stage.messages(handoff_id)
    return {row["text"]: row["delivery"] for row in rows if row["text"] in SAID}
