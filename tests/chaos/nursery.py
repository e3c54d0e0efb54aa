"""Keeps a number of the product's workers alive, however often they are killed.

A worker takes seconds to load; this process has loaded all of it, and each worker is a
copy of it that begins its life at once. So two cores stand dozens of kills a minute.
"""

import argparse
import os
import signal
import sys
from functools import partial
from itertools import count
from pathlib import Path

import django
from celery.apps import worker
from celery.bin import celery
from celery.concurrency import thread
from celery.signals import worker_ready
from celery.worker import components, consumer

from config.celery import app

# What a worker would load at its start.
LOADED = (worker, celery, thread, components, consumer)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("workers", type=int)
    parser.add_argument("ready", type=Path, help="folder: a file for each at work")
    parser.add_argument("--without", default="")
    arguments = parser.parse_args()
    django.setup()
    app.loader.import_default_modules()
    with app.connection_for_read() as connection:
        connection.transport  # noqa: B018 - this, too
    if arguments.without:
        # Needs what was set up a moment ago.
        from tests.chaos import ablations  # noqa: PLC0415

        ablations.WITHOUT[arguments.without]()
    worker_ready.connect(partial(_tell, arguments.ready), weak=False)
    keep_alive(arguments.workers)


def _tell(folder: Path, **_: object) -> None:
    Path(folder, str(os.getpid())).touch()


def _end_all(*_: object) -> None:
    """End this process and its copies, which nobody else would find."""
    os.killpg(0, signal.SIGKILL)


def keep_alive(workers: int) -> None:
    signal.signal(signal.SIGTERM, _end_all)
    alive: set[int] = set()
    numbers = count(1)
    while True:
        while len(alive) < workers:
            alive.add(_fork(f"worker-{next(numbers)}@%h"))
        pid, _ = os.wait()
        alive.discard(pid)


def _fork(name: str) -> int:
    pid = os.fork()
    if pid == 0:
        options = ["--without-mingle", "--without-gossip", f"--hostname={name}"]
        sys.exit(app.worker_main(["worker", *options]))
    return pid


if __name__ == "__main__":
    main()
