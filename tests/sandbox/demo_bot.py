"""The demo bot's surroundings: its process, its user's browser, an agent."""

import html
import json
import re
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import requests
from standardwebhooks import Webhook

from tests.processes import dies_with_us, inherited

SECRET = "whsec_c2VjcmV0LW9mLXRoZS1kZW1vLWJvdC10ZXN0cw=="
API_KEY = "key-of-the-demo-bot"
AS_WRITTEN = 'a "quote"\n\n  two lines, \U0001f600 <b>bold</b> &amp; $1 \\n'


@dataclass
class Line:
    """One message as the page displays it."""

    role: str
    parts: dict[str, str] = field(default_factory=dict)


class Chat(HTMLParser):
    """What a browser would display of the chat."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.lines: list[Line] = []
        self.status = ""
        self._reads: Callable[[str], None] | None = None
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if "data-message-id" in given:
            self.lines.append(Line(role=given["data-role"]))
        elif tag == "h1":
            self._reads = self._add_status
        elif (part := given.get("class")) in ("text", "author", "delivery"):
            self.lines[-1].parts[part] = ""
            self._reads = lambda data: self._add_part(part, data)

    def handle_data(self, data: str) -> None:
        if self._reads:
            self._reads(data)

    def handle_endtag(self, tag: str) -> None:
        self._reads = None

    def _add_status(self, data: str) -> None:
        self.status += data

    def _add_part(self, part: str, data: str) -> None:
        self.lines[-1].parts[part] += data


class User:
    """A browser without JavaScript, and the conversation that it opened."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.session = requests.Session()
        self.page = self.session.get(url, timeout=5).text
        token = re.search(r'csrfmiddlewaretoken" value="(\w+)"', self.page)
        assert token
        self.token = token[1]

    def say(self, text: str, **fields: str) -> requests.Response:
        return self._post("/messages", {"text": text, **fields})

    def attach(
        self, content: bytes, *, name: str = "photo.png", text: str = "", **fields: str
    ) -> requests.Response:
        data = {"text": text, **fields}
        return self._post("/messages", data, files={"file": (name, content)})

    def choose(self, *, message_id: str, value: str) -> requests.Response:
        return self._post("/choices", {"choice": f"{message_id} {value}"})

    def end(self) -> requests.Response:
        return self._post("/end", {})

    def chat(self) -> Chat:
        return Chat(self.html())

    def html(self) -> str:
        return self.session.get(f"{self.url}/chat", timeout=5).text

    def detail(self) -> str:
        """Return what stands below the name at the head of the chat."""
        found = re.search(r"</h1>\s*<p>(.*)</p>", self.html())
        assert found
        return html.unescape(found[1])

    def sees(self, role: str, part: str = "text") -> list[str]:
        lines = self.chat().lines
        return [line.parts.get(part, "") for line in lines if line.role == role]

    def _post(
        self, path: str, fields: dict[str, str], *, files: Any = None
    ) -> requests.Response:
        data = fields | {"csrfmiddlewaretoken": self.token}
        return self.session.post(self.url + path, data=data, files=files, timeout=5)


class Bot:
    """The demo bot's process, with doors for whoever runs the product."""

    def __init__(self, *, data: Path, product_port: int, name: str = "") -> None:
        product = f"http://127.0.0.1:{product_port}"
        options = ["--port", "0", "--data", str(data), "--product", product]
        options += ["--name", name] if name else []
        self.log = data / "log"
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                [
                    *dies_with_us(signal.SIGTERM),
                    sys.executable,
                    "-m",
                    "handoff.sandbox.demo_bot",
                    *options,
                ],
                env=inherited(),
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert self.process.stdout
        self.url = self.process.stdout.readline().split()[-1].rstrip("/")

    def set_up(self) -> None:
        values = {"api_key": API_KEY, "webhook_secret": SECRET}
        answer = requests.post(f"{self.url}/setup", json=values, timeout=5)
        assert answer.status_code == 204

    def end(self, *, by_force: bool = False) -> str:
        """Return what it had logged."""
        if by_force:
            self.process.kill()
        else:
            self.process.terminate()
        self.process.communicate(timeout=5)
        return self.log.read_text()

    def notify(
        self, event: dict[str, Any], *, webhook_id: str | None = None
    ) -> requests.Response:
        body = json.dumps(event)
        headers = signed(body, webhook_id=webhook_id or f"evt_{uuid.uuid4()}")
        return requests.post(
            f"{self.url}/webhook", data=body, headers=headers, timeout=5
        )


def signed(body: str, *, webhook_id: str) -> dict[str, str]:
    now = datetime.now(tz=UTC)
    return {
        "webhook-id": webhook_id,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(SECRET).sign(webhook_id, now, body),
    }


@dataclass
class Agent:
    """Says what the product would tell of a handoff, one sequence after the other."""

    bot: Bot
    start: dict[str, Any]
    sequence: int = 0

    @property
    def messages_path(self) -> str:
        return f"/api/v1/handoffs/handoff-{self.start['id']}/messages"

    def event(self, kind: str, *, state: str = "accepted", **data: Any) -> Any:
        self.sequence += 1
        return {
            "id": f"evt_{uuid.uuid4()}",
            "type": kind,
            "timestamp": datetime.now(tz=UTC).isoformat(),
            "sequence": self.sequence,
            "feed_sequence": self.sequence,
            "handoff": {
                "id": f"handoff-{self.start['id']}",
                "conversation_id": self.start["conversation_id"],
                "state": state,
                "metadata": self.start["metadata"],
            },
            "data": data,
        }

    def message(self, text: str, **more: Any) -> Any:
        told = {
            "message_id": str(uuid.uuid4()),
            "role": "agent",
            "sender": {"name": "Ada Lovelace", "avatar_url": None},
            "text": text,
        }
        return self.event("message.created", **told | more)

    def say(self, text: str, **more: Any) -> str:
        """Return the id of the message."""
        event = self.message(text, **more)
        assert self.bot.notify(event).status_code == 204
        return str(event["data"]["message_id"])

    def tell(self, kind: str, *, state: str = "accepted", **data: Any) -> None:
        answer = self.bot.notify(self.event(kind, state=state, **data))
        assert answer.status_code == 204

    def accept(self, *, avatar_url: str | None = None) -> None:
        agent = {"name": "Ada Lovelace", "avatar_url": avatar_url}
        self.tell("handoff.accepted", agent=agent, text=None)
