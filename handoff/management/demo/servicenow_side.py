"""What a ServiceNow administrator sets up, by the Table API as one would."""

import secrets
from dataclasses import dataclass
from typing import Any

import requests

from handoff.management.demo.place import ROOT

ADMINISTRATOR = ("admin", "admin")
INTEGRATION_USER = "chatbot.interface"
INTEGRATION_PASSWORD = "chatbot"  # noqa: S105 (the sandbox is born with it)
QUEUE = "Support"

_RULES = ROOT / "handoff" / "sandbox" / "rules"
_MESSAGE = "Handoff"
_TIMEOUT = 20


@dataclass(frozen=True)
class Application:
    client_id: str
    client_secret: str


class Administrator:
    def __init__(self, *, instance: str) -> None:
        self.instance = instance
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.auth = ADMINISTRATOR

    def find(self, table: str, **columns: str) -> dict[str, Any]:
        """Return the one row with these values."""
        query = "^".join(f"{name}={value}" for name, value in columns.items())
        rows = self._call("get", table, params={"sysparm_query": query})
        if len(rows) != 1:
            raise RuntimeError(f"{len(rows)} rows of {table} with {query}, not one")
        return dict(rows[0])

    def create(self, table: str, **columns: str) -> dict[str, Any]:
        return dict(self._call("post", table, json=columns))

    def change(self, table: str, *, sys_id: str, **columns: str) -> None:
        self._call("patch", f"{table}/{sys_id}", json=columns)

    def set_property(self, name: str, value: str) -> None:
        self.create("sys_properties", name=name, value=value, is_private="true")

    def turn(self, **switches: Any) -> None:
        """Turn what an administrator of a real instance would set in many places."""
        self._send("post", "sandbox/api/switches", json=switches)

    def _call(self, method: str, table: str, **body: Any) -> Any:
        return self._send(method, f"api/now/table/{table}", **body).json()["result"]

    def _send(self, method: str, path: str, **body: Any) -> requests.Response:
        url = f"{self.instance}/{path}"
        answer = self.session.request(method, url, timeout=_TIMEOUT, **body)
        answer.raise_for_status()
        return answer


def register_application(
    administrator: Administrator, *, redirect_url: str
) -> Application:
    """Make the OAuth API endpoint for external clients."""
    secret = secrets.token_urlsafe(24)
    entity = administrator.create(
        "oauth_entity", name=_MESSAGE, redirect_url=redirect_url, client_secret=secret
    )
    return Application(client_id=entity["client_id"], client_secret=secret)


def queue_id(administrator: Administrator) -> str:
    return str(administrator.find("chat_queue", name=QUEUE)["sys_id"])


def install(
    administrator: Administrator, *, callback_url: str, callback_secret: str
) -> None:
    """Make the REST message, the properties and, last, the rules that use them."""
    _make_rest_message(administrator, callback_url=callback_url)
    instance = administrator.find("sys_properties", name="instance_name")["value"]
    administrator.set_property("handoff.instance_name", instance)
    administrator.set_property("handoff.integration_user", INTEGRATION_USER)
    key = callback_secret.removeprefix("whsec_")
    administrator.set_property("handoff.callback_key", key)
    _make_rule(administrator, table="live_message", action_insert="true")
    _make_rule(
        administrator,
        table="chat_queue_entry",
        action_insert="true",
        action_update="true",
        filter_condition="stateVALCHANGES^ORassigned_toVALCHANGES^EQ",
    )


def _make_rest_message(administrator: Administrator, *, callback_url: str) -> None:
    message = administrator.create(
        "sys_rest_message", name=_MESSAGE, rest_endpoint=callback_url
    )
    method = administrator.create(
        "sys_rest_message_fn",
        rest_message=message["sys_id"],
        function_name="post",
        http_method="post",
        rest_endpoint=callback_url,
    )
    administrator.create(
        "sys_rest_message_fn_headers",
        rest_message_function=method["sys_id"],
        name="Content-Type",
        value="application/json",
    )


def _make_rule(administrator: Administrator, *, table: str, **columns: str) -> None:
    script = (_RULES / f"{table}.js").read_text(encoding="utf-8")
    administrator.create(
        "sys_script",
        name=f"{_MESSAGE}: {table}",
        collection=table,
        when="async",
        order="1000",
        priority="100",
        active="true",
        advanced="true",
        script=script,
        **columns,
    )
