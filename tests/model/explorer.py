"""Every state that the model can be in, and the shortest way to each."""

from collections.abc import Hashable
from dataclasses import dataclass, field

from tests.model.state import Bounds, Item, Rules, State, first
from tests.model.steps import moves

START = -1


@dataclass(frozen=True)
class Finding:
    """How many states there are, or the shortest way to a broken promise."""

    states: int
    broken: str = ""
    trace: tuple[str, ...] = ()

    def __str__(self) -> str:
        return "\n  ".join([self.broken or "kept", *self.trace])


@dataclass
class Explored:
    """The states seen so far, numbered: of each set of twins the one met first."""

    states: list[State] = field(default_factory=list)
    came_by: list[tuple[str, int]] = field(default_factory=list)
    before: list[list[int]] = field(default_factory=list)
    numbers: dict[Hashable, int] = field(default_factory=dict)

    def add(self, state: State, *, label: str, before: int) -> None:
        number = self.numbers.setdefault(state.twins, len(self.states))
        if number == len(self.states):
            self.states.append(state)
            self.came_by.append((label, before))
            self.before.append([])
        self.before[number].append(before)

    def finding(self, broken: str, number: int) -> Finding:
        trace = []
        while number:
            label, number = self.came_by[number]
            trace.append(label)
        return Finding(len(self.states), broken, tuple(reversed(trace)))

    def stuck(self) -> int | None:
        """Return the first state from which not all messages can become sent."""
        ends = (n for n, s in enumerate(self.states) if set(s.items) == {Item.SENT})
        frontier = list(ends)
        finishing = {START, *frontier}
        while frontier:
            found = set(self.before[frontier.pop()]) - finishing
            finishing |= found
            frontier += found
        return next((n for n in range(len(self.states)) if n not in finishing), None)


def explore(*, rules: Rules, bounds: Bounds) -> Finding:
    """Try all orders of steps, breadth first, up to the first broken promise."""
    explored = Explored()
    explored.add(first(bounds), label="", before=START)
    for number, state in enumerate(explored.states):  # it grows meanwhile
        if broken := broken_promise(state):
            return explored.finding(broken, number)
        for label, after in moves(state, rules):
            explored.add(after, label=label, before=number)
    stuck = explored.stuck()
    if stuck is not None:
        return explored.finding("stuck", stuck)
    return Finding(len(explored.states))


def broken_promise(state: State) -> str:
    if len(set(state.shown)) < len(state.shown):
        return "shown twice"
    if list(state.shown) != sorted(state.shown):
        return "out of order"
    sent = {n for n, item in enumerate(state.items) if item == Item.SENT}
    return "" if sent <= set(state.shown) else "lost"
