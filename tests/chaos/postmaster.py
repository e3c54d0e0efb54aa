"""Stands where Agent Chat posts to, passes on, and keeps what was answered.

ServiceNow posts once. What never came here, or was refused, is lost before the product
had it; what was taken may be held against it.
"""

import json
import threading
from dataclasses import dataclass
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import urlsplit

import requests
from urllib3.exceptions import NewConnectionError

from tests.chaos.judge import Said

PATIENCE = 5
BAD_GATEWAY = 502
PASSED_ON = ("content-type", "user-agent", "x-handoff-secret")


@dataclass(frozen=True)
class Post:
    """An envelope that came here, and what the product answered, if anything."""

    body: bytes
    status: int | None

    @property
    def taken(self) -> bool | None:
        """Tell whether it was taken; None: nobody knows."""
        return None if self.status is None else self.status < HTTPStatus.BAD_REQUEST

    @property
    def is_turned_away(self) -> bool:
        """Tell whether nothing was wrong with it, nor with the product's servers."""
        is_refused = self.status is not None and 400 <= self.status < 500
        return is_refused and self.envelope is not None

    @property
    def envelope(self) -> dict[str, Any] | None:
        try:
            envelope: dict[str, Any] = json.loads(self.body)
        except ValueError:
            return None
        return envelope

    def spoken(self, interaction: str) -> list[tuple[str, str]]:
        """Return what an agent says in it, each with its id."""
        envelope = self.envelope
        if envelope is None or envelope.get("interactionId") != interaction:
            return []
        parts = [part for part in envelope["body"] if _is_agents(part)]
        return [(part["messageId"], part["value"]) for part in parts]


class Postmaster:
    def __init__(self, target: str) -> None:
        self.target = target
        self.posts: list[Post] = []
        self._lock = threading.Lock()
        handler = type("Handler", (_Handler,), {"postmaster": self})
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
    def refused(self) -> int:
        return sum(not post.taken for post in self.posts)

    @property
    def turned_away(self) -> int:
        return sum(post.is_turned_away for post in self.posts)

    def address(self, url: str) -> str:
        """Return where to post what is meant for an address of the product's."""
        return f"http://127.0.0.1:{self._server.server_port}{urlsplit(url).path}"

    def spoken(self, interaction: str) -> list[Said]:
        """Return what agents said in posts that were taken, or may have been."""
        known: dict[str, Said] = {}
        for post in self.posts:
            for name, text in post.spoken(interaction):
                was_taken = name in known and known[name].is_promised
                if post.taken is not False:
                    known[name] = Said(text, is_promised=was_taken or bool(post.taken))
        return list(known.values())

    def pass_on(self, path: str, body: bytes, headers: dict[str, str]) -> int:
        """Deliver one post after the other, so that their order is known."""
        with self._lock:
            try:
                answer = requests.post(
                    self.target + path, data=body, headers=headers, timeout=PATIENCE
                )
            except requests.RequestException as exc:
                status = BAD_GATEWAY if _is_refused(exc) else None
                self.posts.append(Post(body, status=status))
                return BAD_GATEWAY
            self.posts.append(Post(body, status=answer.status_code))
            return answer.status_code


def _is_refused(exc: requests.RequestException) -> bool:
    """Tell whether nobody was there to be connected to: then it was not taken."""
    reasons = [getattr(cause, "reason", None) for cause in exc.args]
    return any(isinstance(reason, NewConnectionError) for reason in reasons)


def _is_agents(part: dict[str, Any]) -> bool:
    return "messageId" in part and "agentInfo" in part and "value" in part


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    postmaster: Postmaster

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name: self.headers[name] for name in PASSED_ON if self.headers[name]}
        self.send_response(self.postmaster.pass_on(self.path, body, headers))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *args: object) -> None:
        """Say nothing."""
