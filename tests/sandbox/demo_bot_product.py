"""A product for the demo bot to call: it keeps every call, and has one picture."""

import base64
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

Answer = tuple[int, dict[str, Any] | None]
# One red pixel.
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ"
    "/pLvAAAAAElFTkSuQmCC"
)
UPLOADS = "/api/v1/attachments"


@dataclass(frozen=True, kw_only=True)
class Upload:
    name: str
    content_type: str
    content: bytes


@dataclass(frozen=True, kw_only=True)
class Call:
    """`body` is the JSON sent; an upload has its file instead."""

    path: str
    body: dict[str, Any]
    authorization: str
    file: Upload | None = None


class FakeProduct:
    """Answers as the REST API does, unless told otherwise, and keeps every call."""

    def __init__(self, *, port: int = 0) -> None:
        self.calls: list[Call] = []
        self.next_answers: list[Answer] = []
        self.server = ThreadingHTTPServer(("127.0.0.1", port), _handler(self.answer))
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.thread = Thread(target=self.server.serve_forever, args=[0.05])
        self.thread.start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def bodies(self, path: str) -> list[dict[str, Any]]:
        return [call.body for call in self.calls if call.path == path]

    def uploads(self) -> list[Upload]:
        return [call.file for call in self.calls if call.file]

    def answer(self, call: Call) -> Answer:
        self.calls.append(call)
        if self.next_answers:
            return self.next_answers.pop(0)
        if call.path == "/api/v1/handoffs":
            return 202, {"id": f"handoff-{call.body['id']}", "state": "requested"}
        if call.file:
            return 201, {"id": f"attachment-of-{call.file.name}"}
        if call.path.endswith("/typing"):
            return 204, None
        return 202, {}


def _handler(answer: Callable[[Call], Answer]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            status, content = answer(_call(self))
            self.send_response(status)
            self.end_headers()
            if content is not None:
                self.wfile.write(json.dumps(content).encode())

        def do_GET(self) -> None:
            """Answer any address that ends so with the picture."""
            found = self.path.endswith(".png")
            self.send_response(200 if found else 404)
            self.send_header("Content-Type", "image/png")
            self.end_headers()
            self.wfile.write(PNG if found else b"")

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    return Handler


def _call(request: BaseHTTPRequestHandler) -> Call:
    raw = request.rfile.read(int(request.headers["Content-Length"]))
    kind = request.headers["Content-Type"]
    is_file = kind.startswith("multipart/")
    return Call(
        path=request.path,
        body={} if is_file else json.loads(raw),
        authorization=request.headers["Authorization"],
        file=_upload(raw, boundary=kind.split("boundary=")[1]) if is_file else None,
    )


def _upload(raw: bytes, *, boundary: str) -> Upload:
    """Read the only part of a multipart body."""
    _, part, _ = raw.split(f"--{boundary}".encode())
    head, content = part[2:-2].split(b"\r\n\r\n", 1)
    found = re.search(
        r'name="file"; filename="(.*)"\r\nContent-Type: (.*)', head.decode()
    )
    assert found
    return Upload(name=found[1], content_type=found[2], content=content)
