"""Which rules a write sets off, and when each of them runs."""

from functools import partial
from typing import Any

from django.db import transaction

from handoff.sandbox.instance import store
from handoff.sandbox.instance.background import Worker
from handoff.sandbox.instance.models import Job, Row
from handoff.sandbox.instance.script_engine import Run, ScriptFailed, record
from handoff.sandbox.instance.search import matches

_ASYNC = ("async", "async_always")

worker = Worker("async rules")


def on_row_written(
    *, row: Row, operation: str, previous: dict[str, str], by: str, **_signal: Any
) -> None:
    """Queue the async rules with the write; run the others when it is committed.

    An `after` rule holds up the request that wrote, as over there, but not the
    database: it may call a server that calls back.
    """

    def changed(column: str) -> bool:
        return row.value(column) != previous.get(column, "")

    start = partial(Run, row=row, previous=previous, operation=operation, user_name=by)
    for rule in _rules(row, operation=operation):
        condition = rule.value("condition")
        if not matches(row, query=rule.value("filter_condition"), changed=changed):
            continue
        if condition and not _holds(condition, run=start(rule=rule)):
            continue
        if rule.value("when") in _ASYNC:
            Job.objects.create(rule=rule, document=row, user_name=by)
            worker.wake_on_commit()
        elif rule.value("when") == "after":
            transaction.on_commit(partial(execute, run=start(rule=rule)))


def execute(run: Run) -> None:
    """Run a script; what it throws ends up in the system log and nowhere else."""
    try:
        run.execute()
    except ScriptFailed as exc:
        _log_failure(exc, run=run)


def run_jobs() -> None:
    while job := Job.objects.select_related("rule", "document").first():
        # Gone only when it has run: a process that dies here runs it again.
        _run_job(job)
        job.delete()


def _run_job(job: Job) -> None:
    """Run an async rule: the record as it is by now, and no previous one."""
    run = Run(
        rule=job.rule,
        row=job.document,
        previous=None,
        operation="update" if job.document.value("sys_mod_count") != "0" else "insert",
        user_name=job.user_name,
    )
    execute(run)


def _rules(row: Row, *, operation: str) -> list[Row]:
    rules = store.find("sys_script", collection=row.table, active="true")
    due = [rule for rule in rules if rule.value(f"action_{operation}") == "true"]
    return sorted(due, key=_order)


def _order(rule: Row) -> int:
    order = rule.value("order")
    return int(order) if order.isdecimal() else 0


def _holds(condition: str, *, run: Run) -> bool:
    try:
        return run.holds(condition)
    except ScriptFailed as exc:
        _log_failure(exc, run=run)
        return False


def _log_failure(exc: ScriptFailed, *, run: Run) -> None:
    record(level="error", message=str(exc), source=run.rule.value("name"))
