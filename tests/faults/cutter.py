"""A door to PostgreSQL that breaks off at a COMMIT, before or after it is done."""

import selectors
import socket
import threading
from contextlib import suppress
from typing import Self
from urllib.parse import urlsplit

CHUNK = 65_536


class Cutter:
    """Passes all on; at the first COMMIT after `arm` its connection ends."""

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
        self._thread = threading.Thread(target=self._accept)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self.listener.close()

    def arm(self, moment: str) -> None:
        """Cut at the next COMMIT, `before` the database has it or `after` that."""
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
            while self._pass_on(client, server, selector):
                pass

    def _pass_on(
        self,
        client: socket.socket,
        server: socket.socket,
        selector: selectors.BaseSelector,
    ) -> bool:
        """Pass on what has come; return whether the connection goes on."""
        for key, _ in selector.select():
            from_client = key.fileobj is client
            source, sink = (client, server) if from_client else (server, client)
            data = source.recv(CHUNK)
            if from_client and self._moment and b"COMMIT" in data:
                self._cut(server, data)
                return False
            if not data:
                return False
            sink.sendall(data)
        return True

    def _cut(self, server: socket.socket, data: bytes) -> None:
        moment, self._moment = self._moment, ""
        self.cuts += 1
        if moment == "after":
            server.sendall(data)
            server.recv(CHUNK)
