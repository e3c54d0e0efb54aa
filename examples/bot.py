"""A whole bot: asks for an agent, sends what you type, prints what happens.

Set HANDOFF_URL, HANDOFF_API_KEY, and HANDOFF_WEBHOOK_SECRET for webhooks at port 8030.
"""

import os
import sys
import threading
import time
import uuid
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import requests
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

URL = os.environ.get("HANDOFF_URL", "http://127.0.0.1:8000") + "/api/v1"
KEY = {"Authorization": f"Bearer {os.environ['HANDOFF_API_KEY']}"}
SECRET = os.environ.get("HANDOFF_WEBHOOK_SECRET", "")


def call(method: str, path: str, **kw: Any) -> Any:
    """Call until there is an answer: the `id` in a body makes repeats harmless."""
    while True:
        try:
            reply = requests.request(method, URL + path, headers=KEY, timeout=40, **kw)
            if reply.status_code < 500 and reply.status_code != 429:
                break
        except requests.RequestException as exc:
            print(f"[again in 2 s: {type(exc).__name__}]")
        time.sleep(2)
    if not reply.ok:
        print(f"[refused: {reply.text}]")
        sys.exit(1)
    return reply.json()


def send_lines(handoff_id: str) -> None:
    """Send each typed line to the agent; the end of the input ends the handoff."""
    for line in filter(str.strip, sys.stdin):
        message = {"id": str(uuid.uuid4()), "text": line.rstrip("\n")}
        call("POST", f"/handoffs/{handoff_id}/messages", json=message)
    call("POST", f"/handoffs/{handoff_id}/end", json={"reason": "user_left"})


def follow(handoff_id: str) -> None:
    """Print the events from the feed, up to the final one; no webhook is needed."""
    after = 0  # a real bot stores this, and goes on where it stopped
    while True:
        feed = call("GET", "/events", params={"after": after, "wait": 25})
        for event in feed["items"]:
            after = event["feed_sequence"]
            if event["handoff"] and event["handoff"]["id"] == handoff_id:
                print(event["type"], event["data"].get("text") or "", flush=True)
                if event["data"].get("final"):
                    return


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        """Believe a webhook only when it is signed with our secret, and lately."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        try:
            event = Webhook(SECRET).verify(body, dict(self.headers.items()))
            print("[webhook]", event["id"], event["type"])
            self.send_response(204)
        except (WebhookVerificationError, ValueError):
            self.send_response(401)
        self.end_headers()


if __name__ == "__main__":
    if SECRET:
        server = HTTPServer(("127.0.0.1", 8030), Receiver)
        threading.Thread(target=server.serve_forever, daemon=True).start()
    start = {"id": str(uuid.uuid4()), "conversation_id": str(uuid.uuid4())}
    handoff = call("POST", "/handoffs", json=start | {"message": "A person, please."})
    threading.Thread(target=send_lines, args=[handoff["id"]], daemon=True).start()
    follow(handoff["id"])
