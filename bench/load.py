"""Calls in numbers: as many at once as there are threads, or one after the other.

`http.client` over kept connections: the machine belongs to what is measured.
"""

import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from http.client import HTTPConnection
from itertools import chain

MAX_REPEATS = 100
PAUSE = 0.2


@dataclass(frozen=True)
class Call:
    """One POST; `text` is what tells it from all others, also at its far end."""

    path: str
    body: bytes
    headers: Mapping[str, str] = field(repr=False)
    text: str


@dataclass(frozen=True)
class Answered:
    """Both times are of `time.monotonic`, which all processes of a machine share."""

    text: str
    began: float
    ended: float
    # How often it was told to come again.
    repeats: int

    @property
    def seconds(self) -> float:
        return self.ended - self.began


class Refused(RuntimeError):
    """A call that must succeed did not: there is nothing to measure."""


def at_once(port: int, calls: Sequence[Call], *, threads: int) -> list[Answered]:
    """Send all as fast as that many threads can."""
    shares = [calls[first::threads] for first in range(threads)]
    with ThreadPoolExecutor(threads) as pool:
        answers = pool.map(lambda share: _send(port, share, every=0.0), shares)
        return list(chain.from_iterable(answers))


def paced(port: int, calls: Sequence[Call], *, every: float) -> list[Answered]:
    """Send one each `every` seconds, or later where an answer took longer."""
    return _send(port, calls, every=every)


def _send(port: int, calls: Sequence[Call], *, every: float) -> list[Answered]:
    connection = HTTPConnection("127.0.0.1", port, timeout=60)
    answered = []
    due = time.monotonic()
    for call in calls:
        time.sleep(max(0.0, due - time.monotonic()))
        due += every
        answered.append(_post(connection, call))
    connection.close()
    return answered


def _post(connection: HTTPConnection, call: Call) -> Answered:
    """Post until it is taken: a bot repeats a call that was answered 503."""
    began = time.monotonic()
    for repeats in range(MAX_REPEATS):
        status, content = _try(connection, call)
        if status in (200, 201, 202):
            ended = time.monotonic()
            return Answered(call.text, began=began, ended=ended, repeats=repeats)
        if status != 503:
            raise Refused(f"{call.path} answered {status}: {content[:500]!r}")
        time.sleep(PAUSE)
    raise Refused(f"{call.path} answered nothing but 503")


def _try(connection: HTTPConnection, call: Call) -> tuple[int, bytes]:
    connection.request("POST", call.path, call.body, dict(call.headers))
    answer = connection.getresponse()
    return answer.status, answer.read()
