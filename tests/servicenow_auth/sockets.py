"""Servers of a few lines that misbehave as told, on real sockets."""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from servicenow_auth.transport import Answer, send

Behaviour = Callable[[socket.socket], None]


class Server:
    """Runs `behave` for each connection; `requests` is what came in, in order."""

    def __init__(
        self, behave: Behaviour, *, tls: ssl.SSLContext | None = None, port: int = 0
    ) -> None:
        self.behave = behave
        self.tls = tls
        self.requests: list[bytes] = []
        self.connections = 0
        self.stopping = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", port))
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    @property
    def port(self) -> int:
        return int(self._listener.getsockname()[1])

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://localhost:{self.port}"

    def stop(self) -> None:
        self.stopping.set()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        self._listener.close()

    def _accept(self) -> None:
        while not self.stopping.is_set():
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            thread = threading.Thread(target=self._serve, args=[sock])
            self._threads.append(thread)
            thread.start()

    def _serve(self, sock: socket.socket) -> None:
        with sock, suppress(OSError):
            sock.settimeout(5)
            if self.tls is None:
                self.behave(sock)
            else:
                with self.tls.wrap_socket(sock, server_side=True) as wrapped:
                    self.behave(wrapped)

    def read(self, sock: socket.socket) -> bytes:
        """Return the next request whole, b"" at the end of the connection."""
        data = b""
        while not complete(data):
            chunk = sock.recv(65_536)
            if not chunk:
                return b""
            data += chunk
        self.requests.append(data)
        return data

    def drip(self, sock: socket.socket, data: bytes, *, pause: float = 0.05) -> None:
        for byte in data:
            if self.stopping.wait(pause):
                return
            sock.sendall(bytes([byte]))


def complete(data: bytes) -> bool:
    head, found, body = data.partition(b"\r\n\r\n")
    lengths = [
        line for line in head.split(b"\r\n") if b"content-length" in line.lower()
    ]
    length = int(lengths[0].split(b":")[1]) if lengths else 0
    return bool(found) and len(body) >= length


def answer(body: bytes, *, status: str = "200 OK", headers: str = "") -> bytes:
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
    return head.encode() + body


@contextmanager
def serving(
    behave: Callable[[Server, socket.socket], None],
    *,
    tls: ssl.SSLContext | None = None,
    port: int = 0,
) -> Iterator[Server]:
    server: Server
    server = Server(lambda sock: behave(server, sock), tls=tls, port=port)
    try:
        yield server
    finally:
        server.stop()


def answering(*answers: bytes) -> Callable[[Server, socket.socket], None]:
    """Give these answers over each connection, the last one again and again."""

    def behave(server: Server, sock: socket.socket) -> None:
        left = list(answers)
        while server.read(sock):
            sock.sendall(left.pop(0) if len(left) > 1 else left[0])

    return behave


def call(url: str, *, deadline: float = 5.0, **options: object) -> Answer:
    given = {"headers": {}, "deadline": deadline, "trusted": True, **options}
    return send("POST", url, body=b"{}", **given)  # type: ignore[arg-type] # a test's brevity
