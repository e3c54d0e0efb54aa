"""No order of steps, crashes and lost words breaks the promise, and no rule is idle."""

from pkgutil import resolve_name

import pytest

from tests.model.explorer import broken_promise, explore
from tests.model.state import Bounds, Item, Rules, first
from tests.model.steps import DONE_BY

pytestmark = pytest.mark.uncounted

SMALL = Bounds(messages=2, workers=2, troubles=2)


@pytest.mark.parametrize(
    "bounds",
    [
        SMALL,
        Bounds(messages=3, workers=2, troubles=1),
        Bounds(messages=2, workers=3, troubles=1),
    ],
    ids=str,
)
def test_no_order_of_steps_breaks_the_promise(bounds):
    finding = explore(rules=Rules(), bounds=bounds)

    assert str(finding) == "kept"
    assert finding.states > 1_000


@pytest.mark.parametrize(
    ("rule", "broken", "why"),
    [
        ("intent", "shown twice", "worker 1 intends 0"),
        ("read_back", "shown twice", "worker 0 intends 0"),
        ("settle", "shown twice", "worker 0 finds it absent"),
        ("settle_first", "shown twice", "worker 0 does not find it"),
        ("renewal", "shown twice", "the lease expires"),
        ("fencing", "shown twice", "worker 0 intends 0"),
        ("release", "stuck", "worker 0 sees no more"),
    ],
)
def test_each_rule_is_needed(rule, broken, why):
    finding = explore(rules=Rules()._replace(**{rule: False}), bounds=SMALL)

    print(f"without {rule}: {finding}")  # noqa: T201 - for pytest -rP
    assert finding.broken == broken
    assert why in finding.trace


def test_a_worker_frozen_past_its_lease_is_what_remains():
    finding = explore(rules=Rules(deadline=False), bounds=SMALL)

    assert (finding.broken, finding.trace) == (
        "shown twice",
        (
            "message 0 is accepted",
            "worker 0 claims",
            "worker 0 intends 0",
            "the lease expires",
            "worker 1 claims",
            "worker 1 finds 0 unclear",
            "worker 1 finds it absent",
            "worker 1 intends 0",
            "worker 0 sends 0",
            "worker 1 sends 0",
            "ServiceNow shows 0",
            "ServiceNow shows 0",
        ),
    )


@pytest.mark.parametrize(
    ("items", "shown", "broken"),
    [
        ((Item.SENT, Item.SENT), (0, 1), ""),
        ((Item.SENT, Item.SENT), (1, 0), "out of order"),
        ((Item.SENT, Item.SENT), (0, 0, 1), "shown twice"),
        ((Item.SENT, Item.SENT), (0,), "lost"),
        ((Item.SENDING, Item.PENDING), (), ""),
    ],
)
def test_the_judge_sees_what_agents_would(items, shown, broken):
    state = first(SMALL)._replace(items=items, shown=shown)

    assert broken_promise(state) == broken


@pytest.mark.parametrize("function", sorted(set(DONE_BY.values())))
def test_each_step_names_a_function_of_the_product(function):
    assert callable(resolve_name(function))
