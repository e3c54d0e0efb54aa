"""A conversation under way between the product's own processes and a sandbox."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import requests

from tests.end_to_end.stage import Stage, eventually, set_stage
from tests.processes import Process, Product
from tests.servers import Server, postgres_database, redis_server

AT_ONCE = 4


@dataclass
class Talk:
    """An agent and a bot; one worker and one beat, on a Redis of their own."""

    stage: Stage
    redis: Server
    workers: list[Process] = field(default_factory=list)
    beats: list[Process] = field(default_factory=list)
    handoff_id: str = ""
    _numbers: "count[int]" = field(default_factory=lambda: count(1))

    def say(self, number: int) -> list[str]:
        """Post so many messages, some at once; return them as they were accepted."""
        texts = [f"message {next(self._numbers)}" for _ in range(number)]
        with ThreadPoolExecutor(AT_ONCE) as pool:
            list(pool.map(lambda text: self.stage.post(self.handoff_id, text), texts))
        rows = [row["text"] for row in self.stage.messages(self.handoff_id)]
        return [text for text in rows if text in texts]

    def seen(self) -> list[str]:
        """Return what the agent sees of it."""
        return [text for text in self.stage.shown() if text.startswith("message ")]

    def wait_for(self, *texts: str, within: float = 30) -> float:
        """Return after how many seconds the agent saw them: last, once and in order."""
        began = time.monotonic()
        eventually(lambda: set(texts) <= set(self.seen()), timeout=within)
        took = time.monotonic() - began
        assert self.seen()[-len(texts) :] == list(texts)
        assert len(self.seen()) == len(set(self.seen()))
        return took

    def turn(self, **switches: int) -> None:
        """Turn switches of the instance."""
        url = f"{self.stage.proxy.target}/sandbox/api/switches"
        requests.post(url, json=switches, timeout=5).raise_for_status()

    def start_worker(self) -> None:
        name = f"worker-{next(self._numbers)}"
        self.workers.append(self.stage.product.worker(name))

    def start_beat(self) -> None:
        name = f"beat-{next(self._numbers)}"
        self.beats.append(self.stage.product.beat(name))

    def kill(self, processes: list[Process]) -> None:
        while processes:
            processes.pop().kill()


@contextmanager
def talking(*, folder: Path, postgres_url: str, template: str) -> Iterator[Talk]:
    with (
        redis_server() as redis,
        postgres_database(postgres_url, template=template) as database_url,
    ):
        product = Product(folder=folder, database_url=database_url, redis_url=redis.url)
        try:
            with set_stage(product, folder / "sandbox") as stage:
                talk = Talk(stage, redis)
                talk.start_worker()
                talk.start_beat()
                talk.handoff_id = stage.start("c-1")
                eventually(stage.desk.find_waiting)
                stage.desk.accept()
                yield talk
        finally:
            product.stop()
