"""JSON from outside, held to what every database and every peer can hold."""

import json
import math
from typing import Any, NoReturn

from django.conf import settings

from handoff.exceptions import MalformedBody
from servicenow_auth.answers import UNSTORABLE

_INTEGER_BITS = 63


def load_json(body: bytes) -> Any:
    """Parse UTF-8 JSON strictly; raise MalformedBody with a sentence that says why.

    Refused beyond what `json` refuses: NaN, infinity, floats that overflow, integers
    over 64 bits, repeated keys, NUL, lone surrogates, and nesting deeper than
    `MAX_JSON_DEPTH`.
    """
    try:
        value = json.loads(
            body.decode(),
            object_pairs_hook=_object,
            parse_constant=_no_constant,
            parse_float=_float,
            parse_int=_integer,
        )
    except UnicodeDecodeError as exc:
        raise MalformedBody("The body is not UTF-8.") from exc
    except json.JSONDecodeError as exc:
        where = f"line {exc.lineno}, column {exc.colno}"
        raise MalformedBody(f"The body is not JSON: {exc.msg} at {where}.") from exc
    except RecursionError as exc:
        raise MalformedBody(_too_deep()) from exc
    _check(value, depth=0)
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) < len(pairs):
        raise MalformedBody("An object repeats a key.")
    return result


def _no_constant(name: str) -> NoReturn:
    raise MalformedBody(f"{name} is not JSON.")


def _float(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise MalformedBody("A number is too large.")
    return value


def _integer(text: str) -> int:
    # Measured first: converting thousands of digits is slow, and Python refuses it.
    if len(text) > _INTEGER_BITS or int(text).bit_length() > _INTEGER_BITS:
        raise MalformedBody("A number is too large.")
    return int(text)


def _check(value: Any, *, depth: int) -> None:
    if isinstance(value, list | dict) and depth >= settings.MAX_JSON_DEPTH:
        raise MalformedBody(_too_deep())
    if isinstance(value, str):
        _check_text(value)
    elif isinstance(value, list):
        for item in value:
            _check(item, depth=depth + 1)
    elif isinstance(value, dict):
        for key, item in value.items():
            _check_text(key)
            _check(item, depth=depth + 1)


def _check_text(text: str) -> None:
    if UNSTORABLE.search(text):
        raise MalformedBody("A text holds NUL or a lone surrogate.")


def _too_deep() -> str:
    return f"The body nests deeper than {settings.MAX_JSON_DEPTH} levels."
