"""Encoded queries, such as `state=1^ORstate=2^queue.name=Support^ORDERBYDESCnumber`.

As over there, a condition that makes no sense (unknown column or operator) is ignored,
so that a typing error returns more rows and not fewer.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

Read = Callable[[str], str | None]


def _key(value: str, other: str) -> tuple[float, str]:
    """Compare as numbers where both are, else as text (dates sort as text)."""
    if _is_number(value) and _is_number(other):
        return float(value), ""
    return 0.0, value


def _is_number(text: str) -> bool:
    return bool(re.fullmatch(r"-?\d+(\.\d+)?", text))


def _between(value: str, given: str) -> bool:
    low, _, high = given.partition("@")
    return _key(low, value) <= _key(value, low) and _key(value, high) <= _key(
        high, value
    )


_OPERATORS: Mapping[str, Callable[[str, str], bool]] = {
    "NOT IN": lambda value, given: value not in given.split(","),
    "NOT LIKE": lambda value, given: given.lower() not in value.lower(),
    "STARTSWITH": lambda value, given: value.lower().startswith(given.lower()),
    "ENDSWITH": lambda value, given: value.lower().endswith(given.lower()),
    "ISNOTEMPTY": lambda value, _: value != "",
    "ISEMPTY": lambda value, _: value == "",
    "BETWEEN": _between,
    "LIKE": lambda value, given: given.lower() in value.lower(),
    "IN": lambda value, given: value in given.split(","),
    "!=": lambda value, given: value != given,
    ">=": lambda value, given: _key(value, given) >= _key(given, value),
    "<=": lambda value, given: _key(value, given) <= _key(given, value),
    "=": lambda value, given: value == given,
    ">": lambda value, given: _key(value, given) > _key(given, value),
    "<": lambda value, given: _key(value, given) < _key(given, value),
}
_CHANGES = ("VALCHANGES", "CHANGES")
_TERM = re.compile(
    r"(?P<column>[a-z][a-z0-9_]*(?:\.[a-z][a-z0-9_]*)*)"
    rf"(?P<operator>{'|'.join((*_OPERATORS, *_CHANGES))})(?P<given>.*)",
    re.DOTALL,
)
_ORDER = re.compile(r"ORDERBY(?P<descending>DESC)?(?P<column>[a-z][a-z0-9_.]*)")
# `^^` is a literal `^` in a value; NUL cannot come in over HTTP's JSON unescaped.
_CARET = "\0"


@dataclass(frozen=True)
class Term:
    column: str
    operator: str
    given: str

    def holds(self, *, value: str, changed: Callable[[str], bool]) -> bool:
        if self.operator in _CHANGES:
            return changed(self.column)
        return _OPERATORS[self.operator](value, self.given)


@dataclass(frozen=True)
class Query:
    """Any of the alternatives, in which all of the groups hold: any of their terms."""

    alternatives: Sequence[Sequence[Sequence[Term]]]
    order: Sequence[tuple[str, bool]]

    def matches(self, read: Read, *, changed: Callable[[str], bool]) -> bool:
        return any(
            all(_group_holds(group, read=read, changed=changed) for group in groups)
            for groups in self.alternatives
        )


def parse(text: str, *, names: Mapping[str, str]) -> Query:
    """Read an encoded query; `names` gives the value of each known `javascript:`."""
    alternatives: list[list[list[Term]]] = []
    order: list[tuple[str, bool]] = []
    for part in text.replace("^^", _CARET).split("^NQ"):
        groups: list[list[Term]] = []
        for word in part.split("^"):
            if ordering := _ORDER.fullmatch(word):
                order.append((ordering["column"], bool(ordering["descending"])))
            elif word.startswith("OR") and groups:
                groups[-1].extend(_terms(word.removeprefix("OR"), names=names))
            else:
                groups.append(_terms(word, names=names))
        alternatives.append(groups)
    return Query(alternatives=alternatives, order=order)


def _terms(word: str, *, names: Mapping[str, str]) -> list[Term]:
    found = _TERM.fullmatch(word)
    if not found:
        return []
    given = found["given"].replace(_CARET, "^")
    term = Term(found["column"], found["operator"], names.get(given, given))
    return [term]


def _group_holds(
    group: Sequence[Term], *, read: Read, changed: Callable[[str], bool]
) -> bool:
    known = [
        (term, value) for term in group if (value := read(term.column)) is not None
    ]
    return not known or any(
        term.holds(value=value, changed=changed) for term, value in known
    )
