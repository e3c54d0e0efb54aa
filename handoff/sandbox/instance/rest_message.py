"""Outbound REST: what a script sends by name, with the headers of both records."""

from typing import Any

import requests

from handoff.sandbox.instance import store
from handoff.sandbox.instance.faults import callbacks
from handoff.sandbox.instance.models import Row

# ServiceNow's own default for outbound calls.
MAX_SECONDS = 30.0
USER_AGENT = "ServiceNow/1.0"


def send(call: dict[str, Any]) -> dict[str, Any]:
    """Make the call and answer `{status, body, error}`; status 0 when none came.

    `call` has what the script has set: `message`, `method`, `headers`, and perhaps
    `body`, `endpoint`, `http_method`, `timeout` (milliseconds).
    """
    message = store.first("sys_rest_message", name=call["message"])
    method = message and store.first(
        "sys_rest_message_fn",
        rest_message=message.sys_id,
        function_name=call["method"],
    )
    if call["message"] and not (message and method):
        return _failed("No such REST message or method")
    records = [row for row in (method, message) if row]
    options = _options(call, records=records)
    return callbacks.send(
        call.get("body", "").encode(),
        post=lambda body: _attempt(options, body=body),
        unheard=_failed("ReadTimeout"),
    )


def _options(call: dict[str, Any], *, records: list[Row]) -> dict[str, Any]:
    endpoints = [row.value("rest_endpoint") for row in records]
    names = [row.value("http_method") for row in records]
    return {
        "method": call.get("http_method") or next(filter(None, names), "get"),
        "url": call.get("endpoint") or next(filter(None, endpoints), ""),
        "headers": {"User-Agent": USER_AGENT}
        | stored_headers(records)
        | call["headers"],
        "timeout": min(call.get("timeout", MAX_SECONDS * 1000) / 1000, MAX_SECONDS),
    }


def _attempt(options: dict[str, Any], *, body: bytes) -> dict[str, Any]:
    try:
        with requests.Session() as session:
            session.trust_env = False
            response = session.request(**options, data=body, allow_redirects=False)
    except (requests.RequestException, UnicodeError) as exc:
        return _failed(type(exc).__name__)
    return {"status": response.status_code, "body": response.text, "error": ""}


def stored_headers(records: list[Row]) -> dict[str, str]:
    """Collect the headers of a method and its message; those of the method win."""
    headers: dict[str, str] = {}
    owners = {
        "sys_rest_message": ("sys_rest_message_headers", "rest_message"),
        "sys_rest_message_fn": ("sys_rest_message_fn_headers", "rest_message_function"),
    }
    for row in reversed(records):
        table, column = owners[row.table]
        for header in store.find(table, **{column: row.sys_id}):
            headers[header.value("name")] = header.value("value")
    return headers


def _failed(reason: str) -> dict[str, Any]:
    return {"status": 0, "body": "", "error": reason}
