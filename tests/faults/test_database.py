"""PostgreSQL crashes under load: what was accepted arrives, what was not is a 503."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from random import Random
from signal import SIGQUIT
from threading import Event

import psycopg
import pytest

from tests import servers
from tests.end_to_end.stage import Stage, eventually, set_stage
from tests.processes import Product

pytestmark = [pytest.mark.end_to_end, pytest.mark.real_http]

TERMINATE = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() ORDER BY pid OFFSET %s
LIMIT 1
"""


@pytest.fixture(scope="module")
def database() -> Iterator[servers.Server]:
    """A PostgreSQL for us alone, to be crashed."""
    with servers.postgres_server() as server:
        yield server


@pytest.fixture(scope="module")
def stage(
    tmp_path_factory: pytest.TempPathFactory, database: servers.Server, redis_url: str
) -> Iterator[Stage]:
    """A chat with an agent, two workers and a beat."""
    folder = tmp_path_factory.mktemp("product")
    product = Product(folder=folder, database_url=database.url, redis_url=redis_url)
    product.env |= {"REQUEST_DEADLINE": "2", "SETTLE_TIME": "1", "LANE_LEASE": "12"}
    try:
        product.prepare()
        with set_stage(product, folder / "sandbox") as stage:
            for name in ("one", "two"):
                product.worker(name)
            product.beat()
            yield stage
    finally:
        product.stop()


class Producer:
    """Posts one message after the other, each until it is accepted."""

    def __init__(self, stage: Stage, handoff_id: str, *, name: str) -> None:
        self.stage = stage
        self.path = f"handoffs/{handoff_id}/messages"
        self.name = name
        self.accepted: list[str] = []
        self.answers: list[int] = []
        self.stopped = Event()

    def run(self) -> None:
        for number in count():
            if self.stopped.is_set():
                return
            self._post(f"{self.name} {number}")

    def _post(self, text: str) -> None:
        while True:
            answer = self.stage.call("POST", self.path, json={"id": text, "text": text})
            self.answers.append(answer.status_code)
            if answer.ok:
                self.accepted.append(text)
                return
            time.sleep(0.1)


def crash_under_load(stage: Stage, name: str, crash: Callable[[], None]) -> Producer:
    """Post while the database crashes; compare what the agent sees with our 202s."""
    handoff_id = stage.start(name)
    eventually(stage.desk.find_waiting)
    stage.desk.accept()
    producer = Producer(stage, handoff_id, name=name)
    with ThreadPoolExecutor(1) as pool:
        posting = pool.submit(producer.run)
        try:
            crash()
        finally:
            producer.stopped.set()
        posting.result()
    texts = producer.accepted

    def seen() -> list[str]:
        return [text for text in stage.shown() if text.startswith(f"{name} ")]

    eventually(lambda: len(seen()) >= len(texts), timeout=60, pause=0.5)
    assert seen() == texts
    return producer


def test_a_database_that_crashes_twice_loses_and_doubles_nothing(stage, database):
    def crash_twice() -> None:
        for _ in range(2):
            time.sleep(1)
            database.stop(SIGQUIT)  # what `pg_ctl -m immediate` sends
            time.sleep(0.5)
            database.start()
        time.sleep(1)

    producer = crash_under_load(stage, "crash", crash_twice)

    assert 503 in producer.answers
    assert set(producer.answers) <= {200, 202, 503}


def test_connections_that_are_terminated_lose_and_double_nothing(stage, database):
    dice = Random(1)  # noqa: S311 - to be repeated

    def terminate() -> None:
        with psycopg.connect(database.url, autocommit=True) as connection:
            for _ in range(30):
                connection.execute(TERMINATE, [dice.randrange(8)])
                time.sleep(0.1)

    producer = crash_under_load(stage, "terminate", terminate)

    assert set(producer.answers) <= {200, 202, 503}
