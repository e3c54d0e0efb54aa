"""Rings come many times or never, clocks are many, workers leave or stand still."""

import json
import random
from collections.abc import Iterator
from signal import SIGCONT, SIGSTOP
from typing import cast

import psycopg
import pytest
import requests
from redis import Redis

from tests.end_to_end.stage import eventually
from tests.faults.talk import Talk, talking

pytestmark = [pytest.mark.end_to_end, pytest.mark.real_http]

# Where Celery keeps what was rung for and nobody took.
QUEUE = "handoff:handoff"
SWEEP = 2.0
SENDING = "SELECT text FROM handoff_outgoing WHERE state = 'sending'"
AGE = "UPDATE handoff_heartbeat SET at = at - interval '25 seconds'"


@pytest.fixture(scope="module")
def talk(tmp_path_factory, postgres_url, migrated) -> Iterator[Talk]:
    folder = tmp_path_factory.mktemp("doorbells")
    with talking(folder=folder, postgres_url=postgres_url, template=migrated) as talk:
        yield talk


def test_rings_that_come_five_times_each_and_shuffled_repeat_nothing(talk):
    talk.kill(talk.beats)
    talk.kill(talk.workers)
    texts = talk.say(20)
    with Redis.from_url(talk.redis.url) as client:
        rings = cast(list[bytes], client.lrange(QUEUE, 0, -1)) * 5
        client.delete(QUEUE)
        for _ in range(2):
            talk.start_worker()
        random.Random(5).shuffle(rings)  # noqa: S311 - the same each time
        client.rpush(QUEUE, *rings)
        eventually(lambda: not client.llen(QUEUE))

    assert len(rings) >= 5
    talk.wait_for(*texts)
    talk.start_beat()


def test_without_one_ring_two_sweeps_deliver(talk):
    talk.kill(talk.workers)
    texts = talk.say(10)
    with Redis.from_url(talk.redis.url) as client:
        client.flushall()
    talk.start_worker()

    # The rest is for a machine that has other things to do as well.
    assert talk.wait_for(*texts) < 2 * SWEEP + 4


def ringers(client: Redis) -> set[str]:
    """Return which processes rang for what nobody has taken."""
    rings = cast(list[bytes], client.lrange(QUEUE, 0, -1))
    return {json.loads(ring)["headers"]["origin"] for ring in rings}


def test_three_beats_ring_and_repeat_nothing(talk):
    talk.kill(talk.workers)
    with Redis.from_url(talk.redis.url) as client:
        client.flushall()
        for _ in range(2):
            talk.start_beat()
        eventually(lambda: len(ringers(client)) == 3)
    talk.start_worker()

    talk.wait_for(*talk.say(30))


def in_hand(talk: Talk) -> list[tuple[str, ...]]:
    with psycopg.connect(talk.stage.product.env["DATABASE_URL"]) as connection:
        return connection.execute(SENDING).fetchall()


def test_a_worker_that_is_asked_to_leave_ends_what_it_began(talk):
    (worker,) = talk.workers
    talk.turn(fault_latency=100, fault_latency_ms=200)
    texts = talk.say(20)
    eventually(lambda: texts[0] in talk.seen())
    assert worker.terminate(timeout=30) == 0

    assert in_hand(talk) == []
    talk.turn(fault_latency=0)
    talk.start_worker()
    talk.wait_for(*texts)


def is_healthy(talk: Talk) -> bool:
    url = f"{talk.stage.product.url}/healthz/deep"
    return requests.get(url, timeout=5).ok


def test_a_worker_that_lives_and_does_nothing_turns_deep_health_red(talk):
    eventually(lambda: is_healthy(talk))
    worker = talk.workers[-1].popen
    worker.send_signal(SIGSTOP)
    try:
        with psycopg.connect(talk.stage.product.env["DATABASE_URL"]) as connection:
            connection.execute(AGE)
        eventually(lambda: not is_healthy(talk), timeout=10)
    finally:
        worker.send_signal(SIGCONT)
    eventually(lambda: is_healthy(talk))
