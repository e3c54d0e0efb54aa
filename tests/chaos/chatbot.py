"""The company's chatbot: it calls the API, and is told by webhook what happens."""

import threading
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random
from typing import Any, Self

import requests
from standardwebhooks import Webhook, WebhookVerificationError

Event = dict[str, Any]
FINAL = ("handoff.ended", "handoff.failed")
# In percent of the webhooks: refused unseen, refused after it was taken, answered late.
REFUSED, UNSURE, SLOW = 1, 1, 3
SLOW_SECONDS = 0.8
AGAIN = 0.3


class Unanswered(Exception):
    """A call that the product did not answer before the run was over."""


class Chatbot:
    """Keeps what it was told by webhook, in order, each event once."""

    def __init__(self, *, seed: int) -> None:
        self.told: list[Event] = []
        # How often each event came.
        self.deliveries: Counter[str] = Counter()
        self.forged = 0
        self.is_moody = False
        # Nobody asks any more.
        self.is_gone = threading.Event()
        self.api_key = self.secret = self.api_url = ""
        self._random = Random(seed)  # noqa: S311 - to be repeated
        self._lock = threading.Lock()
        handler = type("Handler", (_Handler,), {"chatbot": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def port(self) -> int:
        return self._server.server_port

    def hear(self, body: bytes, headers: dict[str, str]) -> int:
        """Take a webhook as a good bot does; return the status."""
        with self._lock:
            mood = self._random.randrange(100) if self.is_moody else 100
        if mood < REFUSED:
            return 500
        if mood < REFUSED + UNSURE + SLOW and mood >= REFUSED + UNSURE:
            time.sleep(SLOW_SECONDS)
        try:
            event = Webhook(self.secret).verify(body, headers)
        except WebhookVerificationError:
            self.forged += 1
            return 401
        with self._lock:
            name = headers["webhook-id"]
            if not self.deliveries[name]:
                self.told.append(event)
            self.deliveries[name] += 1
        return 500 if mood < REFUSED + UNSURE else 204

    def told_about(self, conversation_id: str) -> list[Event]:
        return about(conversation_id, self.told)

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        """Call until there is an answer; a repeat with the same id is harmless."""
        headers = {"Authorization": f"Bearer {self.api_key}"}
        url = f"{self.api_url}/{path}"
        while True:
            said = "nothing"
            with suppress(requests.RequestException):
                answer = requests.request(
                    method, url, headers=headers, timeout=10, **options
                )
                if answer.status_code < 500 and answer.status_code != 429:
                    return answer
                said = answer.text
            if self.is_gone.wait(AGAIN):
                raise Unanswered(f"{method} {path}: {said}")

    def pages(self, path: str) -> list[dict[str, Any]]:
        """Return all items of a list."""
        items: list[dict[str, Any]] = []
        after = ""
        while True:
            page = self.call("GET", f"{path}?limit=200&after={after}").json()
            items += page["items"]
            if not page["has_more"]:
                return items
            after = page["next"]


def about(conversation_id: str, events: Sequence[Event]) -> list[Event]:
    """Return those of one conversation."""
    return [
        event
        for event in list(events)
        if event["handoff"] and event["handoff"]["conversation_id"] == conversation_id
    ]


def spoken(events: Sequence[Event]) -> list[str]:
    """Return what agents said, by these events."""
    created = [event for event in events if event["type"] == "message.created"]
    return [e["data"]["text"] for e in created if e["data"]["role"] == "agent"]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    chatbot: Chatbot

    def do_POST(self) -> None:
        length = int(self.headers["Content-Length"])
        body = self.rfile.read(length)
        if len(body) < length:  # who sent it was killed meanwhile
            self.close_connection = True
            return
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.send_response(self.chatbot.hear(body, headers))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: object) -> None:
        """Say nothing."""
