"""The steps by which a lane to ServiceNow moves on, and what may come between them.

A step is one transaction of the product, or one thing that a worker sees of a call; it
names the function that does it. Time is not counted: whatever a clock may bring about,
it may at any moment that the rules allow. All texts are alike, so that a read can't
tell one message of ours from another.
"""

from collections.abc import Callable, Iterator

from tests.model.state import (
    NOBODY,
    RECORDED,
    At,
    Item,
    LaneLease,
    Request,
    Rules,
    State,
    Worker,
)

Move = tuple[str, State]
Step = Callable[[State, Rules], Iterator[Move]]
STEPS: list[Step] = []
# The function of the product that does what a step does.
DONE_BY: dict[Step, str] = {}


def moves(state: State, rules: Rules) -> Iterator[Move]:
    """Yield all that may happen next."""
    for step in STEPS:
        yield from step(state, rules)


def done_by(function: str) -> Callable[[Step], Step]:
    def register(step: Step) -> Step:
        DONE_BY[step] = function
        return surroundings(step)

    return register


def surroundings(step: Step) -> Step:
    STEPS.append(step)
    return step


@done_by("handoff.lifecycle:queue")
def accept(state: State, rules: Rules) -> Iterator[Move]:
    if Item.UNWRITTEN in state.items:
        number = state.items.index(Item.UNWRITTEN)
        written = state.with_item(number, Item.PENDING)
        yield f"message {number} is accepted", written._replace(due=True)


@done_by("handoff.relay.leases:take")
def claim(state: State, rules: Rules) -> Iterator[Move]:
    if not state.due or state.lease == LaneLease.HELD:
        return
    fenced = tuple(worker._replace(owns=False) for worker in state.workers)
    taken = state._replace(lease=LaneLease.HELD, workers=fenced)
    for n, _ in state.at(At.IDLE):
        yield f"worker {n} claims", taken.with_worker(n, Worker(At.OWNER, owns=True))


@done_by("handoff.relay.lanes:advance")
def advance(state: State, rules: Rules) -> Iterator[Move]:
    """Prove the fence, record what is known, and intend the next: one transaction."""
    for n, _ in state.at(At.LEAVES):
        yield f"worker {n} releases the lane", _asleep(state, n)
    for n, worker in state.at(At.OWNER, *RECORDED):
        if rules.fencing and not worker.owns:
            yield f"worker {n} learns it lost the lane", _let_go(state, n)
            continue
        renewed = state._replace(lease=LaneLease.HELD) if rules.renewal else state
        for what, after in _recorded(renewed, n, rules):
            yield f"worker {n} {what}", after
            if worker.at != At.OWNER and state.troubles:
                unsure = after.with_worker(n, worker._replace(again=True))
                unsure = unsure._replace(troubles=state.troubles - 1)
                yield f"worker {n} {what}, and is not told of the commit", unsure


def _recorded(state: State, n: int, rules: Rules) -> Iterator[Move]:
    worker = state.workers[n]
    was_committed = worker.again and state.items[worker.item] != Item.SENDING
    if worker.at == At.OWNER or was_committed:
        yield _intended(state, n, rules)
        return
    item, goes_on = RECORDED[worker.at]
    recorded = state.with_item(worker.item, item)
    if goes_on:
        yield _intended(recorded, n, rules)
    yield f"records {worker.item} as {item} and hands back", _released(recorded, n)


def _intended(state: State, n: int, rules: Rules) -> Move:
    """Intend the next item, or release the lane: the end of a worker's transaction."""
    head = state.head
    worker = state.workers[n]
    if head is None and rules.release:
        return "releases the lane", _asleep(state, n)
    if head is None:
        return "sees no more", state.with_worker(n, worker._replace(at=At.LEAVES))
    is_unclear = state.items[head] == Item.SENDING and not worker.again
    if is_unclear and rules.read_back:
        reader = worker._replace(at=At.READS, item=head, again=False)
        return f"finds {head} unclear", state.with_worker(n, reader)
    return _intend(state, n, head, rules)


def _intend(state: State, n: int, number: int, rules: Rules) -> Move:
    sender = state.workers[n]._replace(at=At.INTENDS, item=number, again=False)
    if rules.intent:
        state = state.with_item(number, Item.SENDING)
    return f"intends {number}", state.with_worker(n, sender)


def _asleep(state: State, n: int) -> State:
    return _released(state, n)._replace(due=False)


def _released(state: State, n: int) -> State:
    return _let_go(state, n)._replace(lease=LaneLease.FREE)


def _let_go(state: State, n: int) -> State:
    """Let a worker forget the lane; nobody waits for answers to it any more."""
    flying = sorted(
        request._replace(sender=NOBODY) if request.sender == n else request
        for request in state.flying
    )
    return state.with_worker(n, Worker())._replace(flying=tuple(flying))


@done_by("handoff.relay.routes:Route.send")
def send(state: State, rules: Rules) -> Iterator[Move]:
    for n, worker in state.at(At.INTENDS):
        flying = sorted([*state.flying, Request(worker.item, sender=n)])
        waits = state.with_worker(n, worker._replace(at=At.WAITS))
        sent = waits._replace(flying=tuple(flying))
        yield f"worker {n} sends {worker.item}", sent
        refused = worker._replace(at=At.NOT_SENT)
        yield f"worker {n} is not let in", state.with_worker(n, refused)


@done_by("handoff.relay.routes:Route.send")
def hear(state: State, rules: Rules) -> Iterator[Move]:
    """Let a call return or time out; its answer may be lost when all went well."""
    for n, worker in state.at(At.WAITS, At.SERVED):
        if worker.at == At.SERVED:
            arrived = worker._replace(at=At.ARRIVED)
            yield f"worker {n} hears of success", state.with_worker(n, arrived)
        forgotten = _let_go(state, n)
        unknown = worker._replace(at=At.UNKNOWN)
        yield f"worker {n} hears nothing", forgotten.with_worker(n, unknown)


@done_by("handoff.relay.routes:Route.find")
def find(state: State, rules: Rules) -> Iterator[Move]:
    """Read back: a record of ours that belongs to no item sent is the unclear one."""
    for n, worker in state.at(At.READS, At.MISSED):
        may_arrive = any(request.item == worker.item for request in state.flying)
        is_there = len(state.shown) > state.items.count(Item.SENT)
        if worker.at == At.READS and is_there:
            what, at = "finds it", At.ARRIVED
        elif worker.at == At.READS and not rules.settle_first:
            what, at = "does not find it", At.MISSED
        elif rules.settle and may_arrive:
            what, at = "can't tell yet", At.UNKNOWN
        else:
            what, at = "finds it absent", At.ABSENT
        yield f"worker {n} {what}", state.with_worker(n, worker._replace(at=at))


@surroundings
def expire(state: State, rules: Rules) -> Iterator[Move]:
    sends = any(worker.owns for _, worker in state.at(At.INTENDS, At.WAITS, At.SERVED))
    if state.lease == LaneLease.HELD and not (rules.deadline and sends):
        yield "the lease expires", state._replace(lease=LaneLease.EXPIRED)


@surroundings
def crash(state: State, rules: Rules) -> Iterator[Move]:
    if state.troubles:
        for n, worker in enumerate(state.workers):
            if worker.at != At.IDLE:
                dead = _let_go(state, n)._replace(troubles=state.troubles - 1)
                yield f"worker {n} is killed", dead


@surroundings
def carry(state: State, rules: Rules) -> Iterator[Move]:
    """Let a request take effect at last, or never."""
    for place, request in enumerate(state.flying):
        flying = state.flying[:place] + state.flying[place + 1 :]
        gone = state._replace(flying=flying)
        yield f"a request with {request.item} is lost", gone
        shown = gone._replace(shown=(*state.shown, request.item))
        if request.sender != NOBODY:
            served = state.workers[request.sender]._replace(at=At.SERVED)
            shown = shown.with_worker(request.sender, served)
        yield f"ServiceNow shows {request.item}", shown
