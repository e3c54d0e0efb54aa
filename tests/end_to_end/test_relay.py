"""The product's own processes, PostgreSQL, Redis and the sandbox; nothing is faked."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from tests import servers
from tests.end_to_end.stage import Stage, eventually, set_stage
from tests.processes import Product

pytestmark = [pytest.mark.end_to_end, pytest.mark.real_http]


@pytest.fixture(scope="module")
def shared_stage(tmp_path_factory, postgres_url, migrated, redis_url):
    """The bot is configured once for all tests on PostgreSQL."""
    folder = tmp_path_factory.mktemp("relay")
    with servers.postgres_database(postgres_url, template=migrated) as database_url:
        product = Product(folder=folder, database_url=database_url, redis_url=redis_url)
        try:
            with set_stage(product, folder / "sandbox") as stage:
                yield stage
        finally:
            product.stop()


@pytest.fixture
def stage(shared_stage):
    """The stage with web alone; a test starts workers and beat of its own."""
    processes = shared_stage.product.processes
    ours = len(processes)
    yield shared_stage
    while len(processes) > ours:
        processes.pop().kill()


@pytest.fixture
def embedded_stage(tmp_path):
    """The same on SQLite, with the doorbell in a folder."""
    for name in ("broker", "broker/control"):
        (tmp_path / name).mkdir()
    product = Product(
        folder=tmp_path, database_url=f"sqlite:///{tmp_path / 'db.sqlite3'}"
    )
    try:
        product.prepare()
        with set_stage(product, tmp_path / "sandbox") as stage:
            yield stage
    finally:
        product.stop()


def relay_at_once(stage: Stage, *, count: int) -> None:
    """Post many messages at once and compare what the agent sees with our order."""
    for name in ("worker-1", "worker-2"):
        stage.product.worker(name)
    stage.product.beat()
    handoff_id = stage.start("of many messages")
    eventually(stage.desk.find_waiting)
    stage.desk.accept()
    texts = [f"message {number}" for number in range(count)]

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda text: stage.post(handoff_id, text), texts))

    def arrived() -> list[str]:
        return [text for text in stage.shown() if text.startswith("message ")]

    # Showing so many messages costs the instance as much as taking some of them.
    eventually(lambda: len(arrived()) >= count, timeout=90, pause=1)
    accepted = [
        row["text"]
        for row in stage.messages(handoff_id)
        if row["text"].startswith("message ")
    ]
    assert sorted(accepted) == sorted(texts)
    assert arrived() == accepted


def test_200_messages_at_once_arrive_once_in_order_on_postgresql_and_redis(stage):
    relay_at_once(stage, count=200)


def test_200_messages_at_once_arrive_once_in_order_on_sqlite(embedded_stage):
    relay_at_once(embedded_stage, count=200)


def test_a_conversation_goes_both_ways_and_ends_once(stage):
    stage.product.worker()
    stage.product.beat()
    handoff_id = stage.start("from hello to the end")
    eventually(stage.desk.find_waiting)
    stage.desk.accept()
    stage.desk.say("Hello, <b>you</b> & $1")
    eventually(lambda: stage.state_of(handoff_id) == "accepted")
    stage.desk.end()
    eventually(lambda: stage.state_of(handoff_id) == "ended")

    events = stage.events()

    about = [event for event in events if event["handoff"]]
    ours = [event for event in about if event["handoff"]["id"] == handoff_id]
    types = [event["type"] for event in ours]
    assert types[-1] == "handoff.ended"
    assert types.count("handoff.ended") == 1
    said = [e["data"] for e in ours if e["type"] == "message.created"]
    agent = [data["text"] for data in said if data["role"] == "agent"]
    assert "Hello, <b>you</b> & $1" in agent
    assert [e["feed_sequence"] for e in events] == list(range(1, len(events) + 1))


def test_a_worker_killed_in_the_middle_of_a_send_costs_no_second_message(stage):
    doomed = stage.product.worker("doomed")
    stage.product.beat()
    first, second = stage.start("of the doomed"), stage.start("beside it")
    eventually(stage.desk.find_waiting)
    stage.desk.accept()
    stage.proxy.hold("/messages")
    stage.post(first, "sent by the doomed")
    assert stage.proxy.holding.wait(20)

    doomed.kill()
    stage.proxy.let_go()
    # The dead worker's lease ends by itself; here nobody waits 45 s for it.
    stage.product.manage("shell", "-c", END_LEASES)
    stage.product.worker("next")
    stage.post(first, "waits behind it")
    stage.post(second, "another handoff goes on")

    def delivery(handoff_id: str, text: str) -> str:
        rows = {row["text"]: row for row in stage.messages(handoff_id)}
        return str(rows[text]["delivery"])

    eventually(lambda: delivery(second, "another handoff goes on") == "sent")
    eventually(lambda: delivery(first, "waits behind it") == "sent")
    assert delivery(first, "sent by the doomed") == "sent"
    shown = [text for text in stage.shown() if text in SAID]
    assert shown == list(SAID)


END_LEASES = """
from handoff.models import Lane
from django.utils.timezone import now
Lane.objects.exclude(lease_until=None).update(lease_until=now())
"""


SAID = ("sent by the doomed", "waits behind it")
