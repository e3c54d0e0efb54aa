"""What a ServiceNow answer means: the result, or one of the failed outcomes.

Success is a 2xx with a JSON object, and nothing else is: hibernating instances and
log-in pages answer 200 with HTML, and a full session queue answers 202 and drops the
call. Errors are `{"error": {"message", "detail"}, "status": "failure"}`, or in the
Connect API a text in `result`.
"""

import html
import json
import re
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Any, NoReturn

from servicenow_auth.exceptions import Ambiguous, Rejected, Throttled
from servicenow_auth.transport import Answer

Json = dict[str, Any]

# ServiceNow read the request and did not apply it.
DEFINITE = {400, 403, 404, 405, 406, 409, 410, 411, 412, 413, 414, 415, 422, 431}
MAX_RETRY_AFTER = 3600.0
MAX_TEXT = 300
MOST_AHEAD = 86_400.0  # seconds, either way
# NUL, which PostgreSQL stores nowhere, and lone surrogates, which are no UTF-8.
UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_TAG = re.compile(r"<[^<>]*>")
_HIBERNATING = re.compile(rb"<title[^<>]{0,200}>[^<]{0,200}hibernat", re.IGNORECASE)


def result_of(answer: Answer) -> Json:
    """Return the JSON object of a definite success, {} for a 204; or raise."""
    if answer.status == 204:
        return {}
    document = _object(answer.body)
    succeeded = 200 <= answer.status < 300 and answer.status != 202
    if document is None or not succeeded or "error" in document:
        _fail(answer, document)
    return document


def content_of(answer: Answer) -> bytes:
    """Return the content of a file, which may be anything; or raise."""
    succeeded = 200 <= answer.status < 300 and answer.status != 202
    if not succeeded or _HIBERNATING.search(answer.body[:20_000]):
        _fail(answer, _object(answer.body))
    return answer.body


def _fail(answer: Answer, document: Json | None) -> NoReturn:
    said = f"ServiceNow answered {answer.status}"
    if answer.status == 429:
        wait = retry_after(answer.headers)
        raise Throttled(f"{said}: too many calls.", retry_after=wait)
    if _HIBERNATING.search(answer.body[:20_000]):
        raise Ambiguous("The instance is hibernating.")
    if answer.status in DEFINITE or _is_a_refusal_in_words(answer, document):
        text = _text(document or {})
        raise Rejected(
            f"{said}: {text}" if text else f"{said}.", status=answer.status, text=text
        )
    if document is None:
        raise Ambiguous(f"{said} without a JSON object.")
    ended = answer.status == 500 and "error" in document
    raise Ambiguous(f"{said} and an error." if ended else f"{said}.", ended=ended)


def _is_a_refusal_in_words(answer: Answer, document: Json | None) -> bool:
    """Tell a closed queue, for which some releases say 503 and why, from an outage."""
    words = document and document.get("result")
    return answer.status == 503 and isinstance(words, str)


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds to wait, at most an hour; None where nothing was said."""
    wait = _seconds(headers.get("Retry-After", ""))
    if wait is None and (reset := headers.get("X-RateLimit-Reset", "")).isdecimal():
        wait = float(reset) - time.time()
    return None if wait is None else min(max(wait, 0.0), MAX_RETRY_AFTER)


def clock_offset(headers: Mapping[str, str]) -> float | None:
    """Return the seconds that ServiceNow's clock is ahead of ours, if it told."""
    ahead = _until(headers.get("Date", ""))
    # With such a clock TLS would have failed: it is no clock.
    return ahead if ahead is not None and abs(ahead) < MOST_AHEAD else None


def rate_limit(headers: Mapping[str, str]) -> int | None:
    """Return how many calls an hour ServiceNow allows us, if it told."""
    return _count(headers.get("X-RateLimit-Limit", ""))


def total_count(headers: Mapping[str, str]) -> int | None:
    """Return how many rows a list has on all its pages, hidden ones included."""
    return _count(headers.get("X-Total-Count", ""))


def _count(text: str) -> int | None:
    return int(text) if text.isdecimal() and len(text) < 10 else None


def _seconds(text: str) -> float | None:
    return float(text) if text.strip().isdecimal() else _until(text)


def _until(date: str) -> float | None:
    try:
        return parsedate_to_datetime(date).timestamp() - time.time()
    except (ValueError, OverflowError):
        return None


def _object(body: bytes) -> Json | None:
    try:
        document = _storable(json.loads(body, parse_constant=_refuse))
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _storable(value: Any) -> Any:
    """Return JSON whose texts every database holds and every peer can be sent."""
    if isinstance(value, str):
        return UNSTORABLE.sub("\ufffd", value)
    if isinstance(value, list):
        return [_storable(item) for item in value]
    if isinstance(value, dict):
        return {_storable(key): _storable(item) for key, item in value.items()}
    return value


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _text(document: Json) -> str:
    """Return ServiceNow's own words, plain and short."""
    error = document.get("error", document.get("result"))
    said = [error]
    if isinstance(error, dict):
        said = [error.get("message"), error.get("detail")]
    words = ": ".join(part for part in said if isinstance(part, str) and part)
    plain = html.unescape(_TAG.sub(" ", words[:2000]))
    return " ".join(plain.split())[:MAX_TEXT]
