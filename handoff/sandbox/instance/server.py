"""One process that serves the instance on loopback: threads for requests and rules."""

import socket
import sys
from contextlib import suppress
from typing import Any

from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.core.wsgi import get_wsgi_application

from handoff.sandbox.instance import addresses, business_rules, seed
from handoff.sandbox.instance.faults.api_calls import HANG_UP
from handoff.sandbox.instance.virtual_agent import engine, posts


class Handler(WSGIRequestHandler):
    # Head and body are two writes; held back, the second costs 40 ms a call.
    disable_nagle_algorithm = True

    def get_environ(self) -> dict[str, Any]:
        return super().get_environ() | {HANG_UP: self._hang_up}

    def _hang_up(self) -> None:
        # The caller may have gone first. The stubs take the socket for a request.
        with suppress(OSError):
            connection: Any = self.connection
            connection.shutdown(socket.SHUT_RDWR)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Keep quiet: the call log has it, and an address may carry a token."""


class Server(ThreadedWSGIServer):
    # A burst of callers waits in line; the default of ten makes the rest try again.
    request_queue_size = 128


def serve(*, port: int) -> None:
    """Serve until the process is told to end.

    Not a server for the open internet: no worker process that could be left behind is
    worth more here than speed.
    """
    seed.seed()
    try:
        server = Server(("127.0.0.1", port), Handler)
    except OSError as exc:
        sys.exit(f"cannot listen on 127.0.0.1:{port}: {exc.strerror}")
    server.set_app(get_wsgi_application())
    url = f"http://127.0.0.1:{server.server_port}"
    addresses.learn(f"{url}/")
    business_rules.worker.start(business_rules.run_jobs)
    engine.worker.start(engine.work)
    posts.worker.start(posts.send_all)
    # Several callers may wait for it: they read the port from here.
    sys.stdout.write(f"sandbox instance on {url}\n")
    sys.stdout.flush()
    server.serve_forever()
