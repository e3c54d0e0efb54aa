"""The one thread that runs async rules, in the order in which they were queued."""

import threading
from collections.abc import Callable

from handoff.sandbox.instance.models import Job

_bell = threading.Event()


def wake() -> None:
    _bell.set()


def start(run_job: Callable[[Job], None]) -> None:
    """Begin to work off the queue, and what a former process left in it."""
    threading.Thread(target=_work, args=(run_job,), daemon=True, name="async").start()


def _work(run_job: Callable[[Job], None]) -> None:
    _bell.set()
    while _bell.wait():
        _bell.clear()
        while job := Job.objects.select_related("rule", "document").first():
            # Gone only when it has run: a process that dies here runs it again.
            run_job(job)
            job.delete()
