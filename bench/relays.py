"""The product and the baselines as processes: one server, one pool, one database."""

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import requests

from bench.doors import Bare, Callbacks, Handoffs, Simple
from tests.processes import Process, Product
from tests.servers import listens

WEB_PROCESSES = 2
WEB_THREADS = 16
WORKER_THREADS = 32


@dataclass(frozen=True)
class Bot:
    key: str
    callback_id: str
    callback_secret: str


class Served(Product):
    """Anything of Django's that granian serves as the product's image is served."""

    application = "config.wsgi:application"

    def web(self) -> Process:
        process = self.start(
            "web",
            *("granian", "--interface", "wsgi", "--host", "127.0.0.1"),
            *("--port", str(self.port), "--workers", str(WEB_PROCESSES)),
            *("--blocking-threads", str(WEB_THREADS), self.application),
        )
        process.wait_until(partial(listens, self.port))
        return process


class Ours(Served):
    """The product with limits that a bench cannot reach."""

    def __init__(
        self, *, folder: Path, database_url: str, redis_url: str, origins: Sequence[str]
    ) -> None:
        super().__init__(folder=folder, database_url=database_url, redis_url=redis_url)
        self.env |= {
            "SERVICENOW_EXTRA_ORIGINS": ",".join(origins),
            "RATE_LIMIT_PER_BOT": "100000000",
            "MAX_OPEN_HANDOFFS": "1000000",
            "WORKER_CONCURRENCY": str(WORKER_THREADS),
        }
        self.database_url = database_url

    def ask(self, expression: str) -> Any:
        """Call a function of `bench.within` there; return what it printed as JSON."""
        code = f"from bench import within; within.{expression}"
        printed = self.manage("shell", "--no-imports", "--command", code)
        return json.loads(printed.splitlines()[-1])

    def make_bots(self, *origins: str) -> list[Bot]:
        return [Bot(**made) for made in self.ask(f"make_bots({list(origins)!r})")]

    def hand_over(self, *bots: Bot, each: int) -> Handoffs:
        """Start so many handoffs of each bot; return when all are queued."""
        keys = [bot.key for bot in bots for _ in range(each)]
        ids = [self._start(key, number=number) for number, key in enumerate(keys)]
        for key, handoff_id in zip(keys, ids, strict=True):
            self._await_queued(key, handoff_id)
        return Handoffs(self.port, ids, keys)

    def callbacks(self, bot: Bot, handoffs: Handoffs) -> Callbacks:
        path = f"/servicenow/callback/{bot.callback_id}/"
        groups = self.query(
            "SELECT group_id FROM handoff_handoff WHERE id = ANY(%s::uuid[])",
            list(handoffs.ids),
        )
        names = [str(group) for (group,) in groups]
        return Callbacks(self.port, path, names, bot.callback_secret)

    def query(self, statement: str, *values: object) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.database_url, autocommit=True) as connection:
            cursor = connection.execute(statement.encode(), values)
            return cursor.fetchall() if cursor.description else []

    def await_inbox(self) -> None:
        """Return when no callback waits to be processed any more."""
        waiting = "SELECT count(*) FROM handoff_callback WHERE state = 'stored'"
        while self.query(waiting) != [(0,)]:
            time.sleep(0.2)

    def start_handoff(self, bot: Bot, *, number: int) -> str:
        return self._start(bot.key, number=number)

    def _start(self, key: str, *, number: int) -> str:
        body = {"conversation_id": f"c-{number}-{time.monotonic()}", "message": "Help"}
        answer = self._call("POST", "handoffs", key=key, json=body)
        return str(answer["id"])

    def _await_queued(self, key: str, handoff_id: str) -> None:
        ends = time.monotonic() + 60
        while self._call("GET", f"handoffs/{handoff_id}", key=key)["state"] != "queued":
            if time.monotonic() > ends:
                raise TimeoutError(f"Handoff {handoff_id} is not queued after a minute")
            time.sleep(0.05)

    def _call(self, method: str, path: str, *, key: str, **options: Any) -> Any:
        headers = {"Authorization": f"Bearer {key}"}
        url = f"{self.url}/api/v1/{path}"
        answer = requests.request(method, url, headers=headers, timeout=60, **options)
        answer.raise_for_status()
        return answer.json()


class Baseline(Served):
    """One of the projects beside this module."""

    application = "bench.wsgi:application"

    def __init__(
        self,
        name: str,
        *,
        folder: Path,
        database_url: str,
        redis_url: str,
        servicenow_url: str,
    ) -> None:
        super().__init__(folder=folder, database_url=database_url, redis_url=redis_url)
        self.env |= {
            "BASELINE": name,
            "DJANGO_SETTINGS_MODULE": "bench.settings",
            "DJANGO_SUPERUSER_PASSWORD": "password",
            "SERVICENOW_URL": servicenow_url,
            "WORKER_CONCURRENCY": str(WORKER_THREADS),
        }

    def worker(self, name: str = "worker") -> Process:
        options = ["--without-mingle", "--without-gossip", "--loglevel=WARNING"]
        process = self.start(name, "celery", "-A", "bench.tutorial", "worker", *options)
        process.wait_for_log("celery@")
        return process

    def simple(self) -> Simple:
        """Make its user and his token."""
        self.manage("createsuperuser", "--noinput", "--username=bot", "--email=")
        token = self.manage("drf_create_token", "bot").split()[2]
        return Simple(self.port, token)

    def bare(self) -> Bare:
        return Bare(self.port)


@contextmanager
def running(relay: Ours | Baseline) -> Iterator[None]:
    """Bring its database up to date and serve it, without a worker."""
    relay.folder.mkdir()
    relay.manage("migrate", "--verbosity=0", "--run-syncdb")
    try:
        relay.web()
        yield
    finally:
        relay.stop()
