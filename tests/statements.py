"""What a call costs: its SELECTs and DML, not its BEGIN, SAVEPOINT and COMMIT."""

from collections.abc import Callable
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext

COUNTED = ("SELECT", "INSERT", "UPDATE", "DELETE")


def run(call: Callable[[], Any]) -> tuple[Any, list[str]]:
    """Return what the call returned, and the statements that it took."""
    with CaptureQueriesContext(connection) as captured:
        answer = call()
    made = (query["sql"] for query in captured.captured_queries)
    return answer, [sql for sql in made if sql.startswith(COUNTED)]
