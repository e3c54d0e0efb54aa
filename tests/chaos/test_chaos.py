"""Random faults with a seed: see `python -m tests.chaos --help` for longer runs."""

import pytest

from tests.chaos.nemesis import IN_A_CALL
from tests.chaos.plan import ABLATIONS, CONNECT_SUPPORT, Plan, ablation, quick
from tests.chaos.run import play
from tests.chaos.table import table

pytestmark = [pytest.mark.end_to_end, pytest.mark.real_http]

SEED = 7


@pytest.mark.parametrize("setup", ["postgres", "embedded"])
def test_workers_are_killed_calls_struck_and_servers_restarted_and_nothing_shows(setup):
    """Nothing lost, doubled or out of order, on PostgreSQL and Redis or on SQLite."""
    plan = quick(Plan(seed=SEED, setup=setup))

    outcome = play(plan)

    assert outcome.verdict.violations == 0, table(plan, outcome)
    # In so short a run perhaps none of those killed is seen to be in a call.
    assert set(outcome.missing) <= {f"no {IN_A_CALL}"}


@pytest.mark.parametrize("rule", ABLATIONS)
def test_without_a_rule_agents_see_messages_twice(rule):
    plan = Plan(seed=SEED, setup="embedded", without=rule)

    outcome = play(ablation(plan))

    tally = outcome.verdict.tallies[CONNECT_SUPPORT, "to ServiceNow"]
    assert tally.duplicated, table(plan, outcome)
