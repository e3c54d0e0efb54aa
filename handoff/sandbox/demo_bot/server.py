"""The demo bot's one process: a thread a request, and one that sends."""

import sys
from threading import Thread

from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.core.wsgi import get_wsgi_application

from handoff.sandbox.demo_bot import outbox

HOST = "127.0.0.1"


def serve(port: int) -> None:
    """Serve until the process ends; port 0 takes a free one, which is printed."""
    try:
        server = ThreadedWSGIServer((HOST, port), WSGIRequestHandler)
    except OSError as exc:
        sys.exit(f"cannot listen on {HOST}:{port}: {exc.strerror}")
    # Kept in this very process, and daemons: nothing of it can outlive the bot.
    server.daemon_threads = True
    server.set_app(get_wsgi_application())
    Thread(target=outbox.run, name="outbox", daemon=True).start()
    sys.stdout.write(f"Demo bot: http://{HOST}:{server.server_port}/\n")
    sys.stdout.flush()
    server.serve_forever()
