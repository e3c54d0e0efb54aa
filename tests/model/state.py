"""What the model knows of a lane, its workers, and what is on its way."""

from collections.abc import Hashable, Iterator
from enum import StrEnum
from typing import NamedTuple


class Rules(NamedTuple):
    """What the promise rests on; a test takes one away and sees it broken."""

    intent: bool = True  # recorded before a byte leaves
    read_back: bool = True  # of what has an unknown outcome, before it is sent again
    settle: bool = True  # absent counts only where nothing can still arrive
    settle_first: bool = True  # and that was so before the read, not after it
    renewal: bool = True  # of the lease, in the transaction that records the intent
    fencing: bool = True  # who lost the lane records nothing
    release: bool = True  # a lane sleeps by the transaction that saw it empty
    deadline: bool = True  # no request of a live worker outlives its lease


NOBODY = -1


class Bounds(NamedTuple):
    messages: int = 2
    workers: int = 2
    troubles: int = 2  # a worker killed, or a commit whose answer is lost


class Item(StrEnum):
    UNWRITTEN = "unwritten"
    PENDING = "pending"
    SENDING = "sending"
    SENT = "sent"


class LaneLease(StrEnum):
    FREE = "free"
    HELD = "held"
    EXPIRED = "expired"


class At(StrEnum):
    """Where a worker is: what it knows, and the database may not."""

    IDLE = "idle"
    OWNER = "owner"  # of the lane, with nothing to record
    INTENDS = "intends"  # its intent is committed, nothing has left
    WAITS = "waits"  # for ServiceNow's answer
    SERVED = "served"  # ServiceNow has done it, the answer is on its way
    READS = "reads"  # what became of an earlier attempt
    MISSED = "missed"  # it in what it read, and has yet to say what that means
    LEAVES = "leaves"  # the lane, having seen it empty
    # What it has to record:
    ARRIVED = "arrived"
    NOT_SENT = "not sent"
    UNKNOWN = "unknown"
    ABSENT = "absent"


# What becomes of the item, and whether the lane goes on at once.
RECORDED = {
    At.ARRIVED: (Item.SENT, True),
    At.ABSENT: (Item.PENDING, True),
    At.NOT_SENT: (Item.PENDING, False),
    At.UNKNOWN: (Item.SENDING, False),
}


class Worker(NamedTuple):
    at: At = At.IDLE
    item: int = 0
    owns: bool = False  # its fence is the lane's newest
    again: bool = False  # it does not know whether its last transaction was committed


class Request(NamedTuple):
    item: int
    sender: int  # or nobody, once the answer is not waited for


class State(NamedTuple):
    items: tuple[Item, ...]
    workers: tuple[Worker, ...]
    troubles: int
    due: bool = False
    lease: LaneLease = LaneLease.FREE
    flying: tuple[Request, ...] = ()
    shown: tuple[int, ...] = ()  # to the agent

    @property
    def head(self) -> int | None:
        """Return the first item that is not settled."""
        open_items = (Item.PENDING, Item.SENDING)
        return next((n for n, i in enumerate(self.items) if i in open_items), None)

    @property
    def twins(self) -> Hashable:
        """Return what is the same in states where workers only changed their places."""
        senders = {request.sender for request in self.flying}
        workers = sorted((w, n in senders) for n, w in enumerate(self.workers))
        flying = tuple((item, sender == NOBODY) for item, sender in self.flying)
        return self._replace(workers=(), flying=()), tuple(workers), flying

    def with_item(self, number: int, item: Item) -> "State":
        items = (*self.items[:number], item, *self.items[number + 1 :])
        return self._replace(items=items)

    def with_worker(self, number: int, worker: Worker) -> "State":
        workers = (*self.workers[:number], worker, *self.workers[number + 1 :])
        return self._replace(workers=workers)

    def at(self, *places: At) -> Iterator[tuple[int, Worker]]:
        return ((n, w) for n, w in enumerate(self.workers) if w.at in places)


def first(bounds: Bounds) -> State:
    return State(
        items=(Item.UNWRITTEN,) * bounds.messages,
        workers=(Worker(),) * bounds.workers,
        troubles=bounds.troubles,
    )
