"""A door between the product and the sandbox that can keep a call, or its answer."""

import threading
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

import requests

KEPT = {"content-type", "location", "set-cookie", "www-authenticate"}
SENT = {"content-type", "authorization", "accept", "cookie", "referer", "origin"}


class Proxy:
    """Passes every call on; those to a held path are applied, and not answered.

    The next one to a late path is not even passed on until it is let go.
    """

    def __init__(self, target: str) -> None:
        self.target = target
        self.held_path = ""
        self.late_path = ""
        self.holding = threading.Event()
        self.released = threading.Event()
        handler = type("Handler", (_Handler,), {"proxy": self})
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.thread = threading.Thread(target=self.server.serve_forever)

    def __enter__(self) -> Self:
        self.thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.released.set()
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()

    def hold(self, path: str) -> None:
        self.holding.clear()
        self.released.clear()
        self.held_path = path

    def delay(self, path: str) -> None:
        self.released.clear()
        self.late_path = path

    def wait_if_late(self, path: str) -> None:
        if self.late_path and self.late_path in path:
            self.late_path = ""
            self.released.wait(60)

    def let_go(self) -> None:
        self.held_path = ""
        self.released.set()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Head and body are two writes; held back, the second costs 40 ms a call.
    disable_nagle_algorithm = True
    proxy: Proxy

    def do_GET(self) -> None:
        self._pass_on()

    def do_POST(self) -> None:
        self._pass_on()

    def _pass_on(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        self.proxy.wait_if_late(self.path)
        answer = requests.request(
            self.command,
            self.proxy.target + self.path,
            data=body,
            headers={k: v for k, v in self.headers.items() if k.lower() in SENT},
            allow_redirects=False,
            timeout=30,
        )
        if self.proxy.held_path and self.proxy.held_path in self.path:
            self.proxy.holding.set()
            self.proxy.released.wait(60)
        # Whoever called may have given it up.
        with suppress(ConnectionError):
            self._answer(answer)

    def _answer(self, answer: requests.Response) -> None:
        body = answer.content
        self.send_response(answer.status_code)
        for name, value in answer.raw.headers.items():
            if name.lower() in KEPT:
                self.send_header(name, value.replace(self.proxy.target, self.proxy.url))
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        """Say nothing."""
