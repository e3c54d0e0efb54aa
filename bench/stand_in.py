"""A ServiceNow for load: answers at once, after a while, or never, and counts.

Start it with `python -m bench.stand_in --port <port>`. It speaks as much of Connect
Support as a relay of messages asks for, and keeps when which text arrived.
"""

import argparse
import asyncio
import json
import time
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

NEVER = -1.0


class Log:
    """What arrived, in order: `[text, time.monotonic()]`; and how long to wait."""

    def __init__(self) -> None:
        self.arrivals: list[tuple[str, float]] = []
        self.delay = 0.0
        # The queue entry of each conversation.
        self.entries: dict[str, str] = {}


class Wire(asyncio.Protocol):
    """HTTP/1.1 with keep-alive, one call after the other."""

    def __init__(self, log: Log) -> None:
        self.log = log
        self.received = b""
        self.transport: asyncio.WriteTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.WriteTransport, transport)

    def data_received(self, data: bytes) -> None:
        self.received += data
        head, found, rest = self.received.partition(b"\r\n\r\n")
        if not found or len(rest) < (length := _content_length(head)):
            return
        self.received = rest[length:]
        method, target, _ = head.split(b"\r\n", maxsplit=1)[0].decode().split(" ")
        body = json.loads(rest[:length]) if length else {}
        url = urlsplit(target)
        if url.path.startswith("/bench/"):
            self._answer(_control(self.log, url.path, body))
            return
        answer = {"result": _result(self.log, method, target, body)}
        if self.log.delay == NEVER:
            return
        loop = asyncio.get_running_loop()
        loop.call_later(self.log.delay, self._answer, answer)

    def _answer(self, answer: Any) -> None:
        body = json.dumps(answer).encode()
        self.transport.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n%b" % (len(body), body)
        )


def _content_length(head: bytes) -> int:
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0


def _control(log: Log, path: str, body: dict[str, Any]) -> Any:
    match path.removeprefix("/bench/"):
        case "delay":
            log.delay = float(body["seconds"])
        case "take":
            taken, log.arrivals = log.arrivals, []
            return taken
    return len(log.arrivals)


def _result(log: Log, method: str, target: str, body: dict[str, Any]) -> Any:
    url = urlsplit(target)
    if url.path.startswith("/api/now/live/profiles/"):
        return {"name": "Agent"}
    if method == "GET" and url.path.endswith("/sessions"):
        return [_entry(log, parse_qs(url.query)["group_id"][0])]
    if url.path.endswith("/chat_queue_entry"):
        query = parse_qs(url.query)["sysparm_query"][0]
        groups = query.removeprefix("groupIN").partition("^")[0].split(",")
        return [_entry(log, group) for group in groups if group in log.entries]
    if method == "GET":
        return []
    log.arrivals.append((str(body.get("message")), time.monotonic()))
    sys_id = uuid4().hex
    if url.path.endswith("/sessions"):
        log.entries[sys_id] = uuid4().hex
        return _entry(log, sys_id)
    return {"sys_id": sys_id, "group": url.path.split("/")[-2]}


def _entry(log: Log, group: str) -> dict[str, Any]:
    return {"sys_id": log.entries.get(group, group), "group": group, "state": 1}


async def serve(port: int) -> None:
    log = Log()
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Wire(log), "127.0.0.1", port)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    asyncio.run(serve(parser.parse_args().port))
