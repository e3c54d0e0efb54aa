"""The sandbox instance as its users meet it: over HTTP, as a process of its own."""

import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlencode

import requests

from tests.processes import dies_with_us, inherited

ROOT = Path(__file__).resolve().parents[2]
RULES = ROOT / "handoff" / "sandbox" / "rules"
ADMIN = ("admin", "admin")
AGENT = ("agent", "agent")
BOT = ("chatbot.interface", "chatbot")
QUEUE = "5a0c1e8fb2d34f6790a1c3e5d7f90b12"
# 32 bytes, as in a Standard Webhooks secret without its prefix.
CALLBACK_KEY = "c2FuZGJveC1jYWxsYmFjay1rZXktMzItYnl0ZXMhISE="

T = TypeVar("T")


def eventually(read: Callable[[], T]) -> T:
    """Return the first true value, or what there is after ten seconds."""
    deadline = time.monotonic() + 10
    while not (value := read()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return value


class Instance:
    def __init__(self, url: str) -> None:
        self.url = url

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        options.setdefault("allow_redirects", False)
        return requests.request(method, self.url + path, timeout=10, **options)

    def answer(self, method: str, path: str, **options: Any) -> tuple[int, Any]:
        response = self.call(method, path, **options)
        return response.status_code, response.json()["result"]

    def get(self, path: str, *, auth: tuple[str, str], **query: str) -> Any:
        response = self.call("GET", path, auth=auth, params=query)
        assert response.status_code == 200, response.text
        return response.json()["result"]

    def post(self, path: str, *, auth: tuple[str, str], **body: Any) -> Any:
        response = self.call("POST", path, auth=auth, json=body)
        assert response.ok, response.text
        return response.json()["result"]

    def table(self, name: str, **query: str) -> Any:
        return self.get(f"/api/now/table/{name}", auth=ADMIN, **query)

    def create(self, table: str, /, **values: Any) -> Any:
        return self.post(f"/api/now/table/{table}", auth=ADMIN, **values)

    def patch(self, table: str, sys_id: str, /, **values: Any) -> Any:
        path = f"/api/now/table/{table}/{sys_id}"
        response = self.call("PATCH", path, auth=ADMIN, json=values)
        assert response.status_code == 200, response.text
        return response.json()["result"]

    def switch(self, **values: Any) -> None:
        assert self.call("POST", "/sandbox/api/switches", json=values).ok

    def calls(self, **query: str) -> Any:
        return self.call("GET", "/sandbox/api/log", params=query).json()

    # Connect Support
    def start(self, text: str = "Hello", *, auth: tuple[str, str] = BOT) -> Any:
        path = f"/api/now/connect/support/queues/{QUEUE}/sessions"
        return self.post(path, auth=auth, message=text)

    def accept(self) -> Any:
        return self.post(f"/api/now/connect/support/queues/{QUEUE}/accept", auth=AGENT)

    def say(self, group: str, text: str, *, auth: tuple[str, str]) -> Any:
        return self.post(_messages(group), auth=auth, message=text)

    def messages(self, group: str, **query: str) -> Any:
        return self.get(_messages(group), auth=BOT, **query)

    def act(self, group: str, action: str, *, auth: tuple[str, str]) -> Any:
        path = f"/api/now/connect/support/sessions/{group}/{action}"
        return self.post(path, auth=auth)

    def entry(self, group: str) -> Any:
        path = "/api/now/connect/support/sessions"
        return self.get(path, auth=BOT, group_id=group)[-1]

    # What an administrator makes
    def install_callbacks(self, *, endpoint: str) -> None:
        """Make the rows that an administrator makes by hand, as the documents say."""
        message = self.create(
            "sys_rest_message", name="Handoff", rest_endpoint=endpoint
        )
        self.create(
            "sys_rest_message_fn",
            rest_message=message["sys_id"],
            function_name="post",
            http_method="post",
        )
        properties = {
            "handoff.instance_name": ("string", "sandbox"),
            "handoff.integration_user": ("string", BOT[0]),
            "handoff.callback_key": ("password2", CALLBACK_KEY),
        }
        for name, (kind, value) in properties.items():
            self.create("sys_properties", name=name, type=kind, value=value)
        self.install_rule("live_message", action_update=False)
        self.install_rule(
            "chat_queue_entry",
            action_update=True,
            filter_condition="stateVALCHANGES^ORassigned_toVALCHANGES^EQ",
        )

    def settle(self) -> None:
        """Wait until the rules have run for all that was written before."""
        marker = self.create("syslog", message="marker")["sys_id"]
        rule = self.create(
            "sys_script",
            collection="syslog",
            when="async",
            action_update=True,
            script=f"gs.info('settled {marker}');",
        )
        self.patch("syslog", marker, level="1")
        query = f"message=settled {marker}"
        assert eventually(lambda: self.table("syslog", sysparm_query=query))
        path = f"/api/now/table/sys_script/{rule['sys_id']}"
        self.call("DELETE", path, auth=ADMIN)

    def install_rule(self, collection: str, **values: Any) -> Any:
        rule = {
            "name": f"Handoff {collection}",
            "collection": collection,
            "when": "async",
            "order": "1000",
            "priority": "100",
            "active": True,
            "advanced": True,
            "action_insert": True,
            "script": (RULES / f"{collection}.js").read_text(encoding="utf-8"),
        }
        return self.create("sys_script", **(rule | values))


class Browser:
    """A person without JavaScript: follows redirects, fills in forms."""

    def __init__(self, instance: Instance) -> None:
        self.url = instance.url
        self.session = requests.Session()

    def get(self, path: str, **options: Any) -> requests.Response:
        return self.session.get(self._address(path), timeout=10, **options)

    def submit(
        self,
        page: requests.Response,
        *,
        action: str = "",
        file: tuple[str, bytes, str] | None = None,
        **fields: str,
    ) -> requests.Response:
        """Send a form of the page with its CSRF token; by default to the page.

        `file` is name, content and type of what the field of that name holds.
        """
        found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page.text)
        token = {"csrfmiddlewaretoken": found[1]} if found else {}
        return self.session.post(
            self._address(action or page.url),
            data=token | fields,
            files={"file": file} if file else None,
            timeout=10,
            allow_redirects=False,
        )

    def log_in(self, user: tuple[str, str], *, then: str = "/desk/") -> None:
        page = self.get("/login.do?" + urlencode({"next": then}))
        answer = self.submit(page, user_name=user[0], user_password=user[1])
        assert answer.headers["Location"] == then

    def _address(self, path: str) -> str:
        return path if path.startswith("http") else self.url + path


@contextmanager
def running_instance(data: Path) -> Iterator[tuple[Instance, subprocess.Popen[str]]]:
    """Run the instance on a port of its own choice; no process of it stays."""
    command = [sys.executable, "-m", "handoff.sandbox.instance"]
    with subprocess.Popen(
        [*dies_with_us(signal.SIGTERM), *command, "--port", "0", "--data", str(data)],
        cwd=ROOT,
        env=inherited(),
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        try:
            yield Instance(process.stdout.readline().split()[-1]), process
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=10)


def _messages(group: str) -> str:
    return f"/api/now/connect/conversations/{group}/messages"
