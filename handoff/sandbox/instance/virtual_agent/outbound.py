"""Where the app posts to, by its version, and the one call that it makes there."""

import json
from dataclasses import dataclass, field

import requests

from handoff.sandbox.instance import store
from handoff.sandbox.instance.faults import callbacks
from handoff.sandbox.instance.models import Post, Row
from handoff.sandbox.instance.rest_message import USER_AGENT, stored_headers

REST_MESSAGE = "VA Bot to Bot"
METHOD = "postMessage"
MAX_HEADERS = 10
MAX_SECONDS = 5.0
SOURCE = "sn_va_as_service"


@dataclass(frozen=True, kw_only=True)
class Destination:
    url: str
    headers: dict[str, str] = field(repr=False)
    auth: tuple[str, str] | None = field(default=None, repr=False)
    seconds: float = MAX_SECONDS


def deliver(post: Post, *, version: tuple[int, ...]) -> None:
    """Post once; whatever comes of it, it is not repeated."""
    application = store.dereference(post.interaction, column="provider_application")
    read = _connection if version >= (4, 1) else _rest_message
    destination = read(application) if application else None
    if destination is None:
        log("No endpoint is configured for outbound messages")
        return
    problem = callbacks.send(
        json.dumps(post.body).encode(),
        post=lambda body: _call(destination, body=body),
        unheard="ReadTimeout",
    )
    if problem:
        log(f"Outbound message failed: {problem}")


def log(message: str) -> None:
    values = {"level": "error", "message": message, "source": SOURCE}
    store.insert(table="syslog", values=values, by=store.SYSTEM)


def _call(destination: Destination, *, body: bytes) -> str:
    """Return what went wrong, if anything."""
    headers = {"User-Agent": USER_AGENT, "Content-Type": "application/json"}
    try:
        with requests.Session() as session:
            session.trust_env = False
            response = session.post(
                destination.url,
                data=body,
                headers=headers | destination.headers,
                auth=destination.auth,
                timeout=destination.seconds,
                allow_redirects=False,
            )
    except (requests.RequestException, UnicodeError) as exc:
        return type(exc).__name__
    return "" if response.ok else f"status {response.status_code}"


def _rest_message(application: Row) -> Destination | None:
    """Before 4.1: a REST message whose record and method both name the endpoint."""
    own = application.value("inbound_id")
    name = application.value("name") if own else REST_MESSAGE
    message = store.first("sys_rest_message", name=name)
    method = message and store.first(
        "sys_rest_message_fn", rest_message=message.sys_id, function_name=METHOD
    )
    if not (message and method):
        return None
    url = message.value("rest_endpoint") and method.value("rest_endpoint")
    if not url:
        return None
    is_basic = message.value("authentication_type") == "basic"
    auth = _pair(message, "basic_auth_user", "basic_auth_password")
    return Destination(
        url=url,
        headers=stored_headers([method, message]),
        auth=auth if is_basic else None,
    )


def _connection(application: Row) -> Destination | None:
    """From 4.1 on: the connection of the outbound configuration."""
    configuration = store.first(
        "sn_va_as_service_outbound_configuration",
        provider_application=application.sys_id,
    )
    connection = configuration and store.first(
        "http_connection", connection_alias=configuration.value("rest_connection")
    )
    if not connection or not connection.value("connection_url"):
        return None
    attributes = store.find("sys_connection_attribute", connection=connection.sys_id)
    credential = store.dereference(connection, column="credential")
    timeout = connection.value("connection_timeout")
    return Destination(
        url=connection.value("connection_url"),
        headers={a.value("name"): a.value("value") for a in attributes[:MAX_HEADERS]},
        auth=_pair(credential, "user_name", "password") if credential else None,
        seconds=int(timeout) / 1000 if timeout.isdecimal() else MAX_SECONDS,
    )


def _pair(row: Row, name: str, password: str) -> tuple[str, str]:
    return row.value(name), row.value(password)
