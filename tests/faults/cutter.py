"""A door to PostgreSQL that breaks off at a COMMIT, before or after it is done."""

import selectors
import socket
import threading
from contextlib import suppress
from typing import Self
from urllib.parse import urlsplit

CHUNK = 65_536
COMMIT = b"COMMIT"


class Cutter:
    """Passes all on; after `arm` it ends the connection that commits what is named."""

    def __init__(self, database_url: str) -> None:
        parts = urlsplit(database_url)
        self.target = (parts.hostname, parts.port)
        self.listener = socket.create_server(("127.0.0.1", 0))
        port = self.listener.getsockname()[1]
        netloc = f"{parts.username}@127.0.0.1:{port}"
        # What is encrypted could not be read.
        options = "sslmode=disable&gssencmode=disable"
        self.url = parts._replace(netloc=netloc, query=options).geturl()
        self.cuts = 0
        self._moment = ""
        self._text = b""
        self._thread = threading.Thread(target=self._accept)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self.listener.close()

    def arm(self, moment: str, *, text: str) -> None:
        """Cut where this text is committed, `before` the database has it or `after`."""
        self._text = text.encode()
        self._moment = moment

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                threading.Thread(target=self._serve, args=[client], daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with (
            client,
            suppress(OSError),
            socket.create_connection(self.target) as server,
            selectors.DefaultSelector() as selector,
        ):
            selector.register(client, selectors.EVENT_READ)
            selector.register(server, selectors.EVENT_READ)
            said = b""  # by the client since its last COMMIT
            while (data := self._pass_on(client, server, selector, said)) is not None:
                said = b"" if COMMIT in data else said + data

    def _pass_on(
        self,
        client: socket.socket,
        server: socket.socket,
        selector: selectors.BaseSelector,
        said: bytes,
    ) -> bytes | None:
        """Pass on what has come; return what the client said, None at the end."""
        from_client = b""
        for key, _ in selector.select():
            is_client = key.fileobj is client
            source, sink = (client, server) if is_client else (server, client)
            data = source.recv(CHUNK)
            if is_client and COMMIT in data and self._is_armed_for(said + data):
                self._cut(server, data)
                return None
            if not data:
                return None
            sink.sendall(data)
            from_client += data if is_client else b""
        return from_client

    def _is_armed_for(self, said: bytes) -> bool:
        return bool(self._moment) and self._text in said

    def _cut(self, server: socket.socket, data: bytes) -> None:
        moment, self._moment = self._moment, ""
        self.cuts += 1
        if moment == "after":
            server.sendall(data)
            server.recv(CHUNK)
