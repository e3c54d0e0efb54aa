"""Find rows by an encoded query."""

from collections.abc import Callable
from functools import partial

from handoff.sandbox.instance import store
from handoff.sandbox.instance.encoded_query import Query, parse
from handoff.sandbox.instance.models import Row
from handoff.sandbox.instance.schema import TABLES


def search(*, table: str, query: str, user: Row | None = None) -> list[Row]:
    """Return the rows that match, in the order asked for, else as they were made."""
    parsed = parse_for(query, user=user)
    rows = [row for row in _candidates(table, query=parsed) if _matches(row, parsed)]
    if parsed.order:
        # What is equal comes in no order that anybody may rely on.
        rows.sort(key=lambda row: row.sys_id)
    for path, descending in reversed(parsed.order):
        rows.sort(key=lambda row: _sort_key(row, path), reverse=descending)
    return rows


def matches(row: Row, *, query: str, changed: Callable[[str], bool]) -> bool:
    """Tell whether a rule's filter lets this write through."""
    read = partial(_read, row)
    return parse_for(query, user=None).matches(read, changed=changed)


def parse_for(query: str, *, user: Row | None) -> Query:
    names = {}
    if user:
        names["javascript:gs.getUserID()"] = user.sys_id
        names["javascript:gs.getUserName()"] = user.value("user_name")
    return parse(query, names=names)


def _candidates(table: str, *, query: Query) -> list[Row]:
    """Let the database do the plain equalities, so that big tables stay quick."""
    wanted: dict[str, list[str]] = {}
    secrets = TABLES[table].secrets | TABLES[table].sealed
    columns = set(TABLES[table].columns) - secrets
    if len(query.alternatives) == 1:
        terms = [group[0] for group in query.alternatives[0] if len(group) == 1]
        for term in terms:
            if term.operator in ("=", "IN") and term.column in columns:
                is_list = term.operator == "IN"
                wanted[term.column] = term.given.split(",") if is_list else [term.given]
    return list(store.select_among(table, **wanted))


def _matches(row: Row, query: Query) -> bool:
    return query.matches(partial(_read, row), changed=lambda _column: False)


def _read(row: Row, path: str) -> str | None:
    # A secret cannot be guessed by asking which rows start with what.
    if store.is_secret(row, column=path):
        return None
    return store.read(row, path=path)


def _sort_key(row: Row, path: str) -> str:
    return _read(row, path) or ""
