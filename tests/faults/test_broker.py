"""Redis is stopped, emptied, restarted or frozen: it is a doorbell and no more."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from signal import SIGCONT, SIGKILL, SIGSTOP
from statistics import median

import pytest
from redis import Redis

from tests.faults.talk import Talk, talking
from tests.servers import Server

pytestmark = [pytest.mark.end_to_end, pytest.mark.real_http]

# Longer than the ten seconds after which a worker asks whether its Redis is there.
FROZEN = 12.5


@pytest.fixture(scope="module")
def talk(tmp_path_factory, postgres_url, migrated) -> Iterator[Talk]:
    folder = tmp_path_factory.mktemp("broker")
    with talking(folder=folder, postgres_url=postgres_url, template=migrated) as talk:
        yield talk


def timed_posts(talk: Talk, number: int) -> tuple[list[str], list[float]]:
    """Post one after the other; return the texts, and the seconds each post took."""
    texts, seconds = [], []
    for _ in range(number):
        began = time.monotonic()
        texts += talk.say(1)
        seconds.append(time.monotonic() - began)
    return texts, seconds


def test_messages_are_taken_at_once_without_redis_and_arrive_when_it_is_back(talk):
    before = talk.say(3)
    talk.redis.stop()
    during, seconds = timed_posts(talk, 9)
    talk.redis.start()
    after = talk.say(3)

    talk.wait_for(*before, *during, *after)
    # Of a post and a look at what was accepted.
    assert median(seconds) < 0.3


@contextmanager
def emptied_all_the_time(server: Server) -> Iterator[None]:
    stop = threading.Event()

    def empty() -> None:
        with Redis.from_url(server.url) as client:
            while not stop.wait(0.05):
                client.flushall()

    thread = threading.Thread(target=empty)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def test_nothing_is_lost_while_redis_is_emptied_again_and_again(talk):
    with emptied_all_the_time(talk.redis):
        texts = talk.say(40)
        time.sleep(0.2)

    talk.wait_for(*texts)


def test_a_worker_works_on_within_ten_seconds_of_each_of_three_restarts(talk):
    for signal in (None, SIGKILL, SIGKILL):
        talk.redis.stop(signal)
        talk.redis.start()
        talk.wait_for(*talk.say(1), within=10)

    assert talk.workers[0].is_alive


@contextmanager
def frozen(server: Server) -> Iterator[None]:
    began = time.monotonic()
    server.signal(SIGSTOP)
    try:
        yield
        time.sleep(max(0.0, began + FROZEN - time.monotonic()))
    finally:
        server.signal(SIGCONT)


def test_a_frozen_redis_costs_one_call_two_seconds_and_those_after_it_nothing(talk):
    with frozen(talk.redis):
        texts, seconds = timed_posts(talk, 6)

    assert talk.wait_for(*texts, within=20) < 10
    assert 2 <= max(seconds) < 4
    assert sorted(seconds)[-2] < 1
    assert talk.workers[0].is_alive
    assert talk.beats[0].is_alive
