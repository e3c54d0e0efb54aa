"""Random faults with a seed: see `python -m tests.chaos --help` for longer runs."""

import pytest

from tests.chaos.plan import ABLATIONS, CONNECT_SUPPORT, Plan, ablation
from tests.chaos.run import play
from tests.chaos.table import table

pytestmark = [pytest.mark.end_to_end, pytest.mark.real_http]

SEED = 7


@pytest.mark.parametrize("rule", ABLATIONS)
def test_without_a_rule_agents_see_messages_twice(rule):
    plan = Plan(seed=SEED, setup="embedded", without=rule)

    outcome = play(ablation(plan))

    tally = outcome.verdict.tallies[CONNECT_SUPPORT, "to ServiceNow"]
    assert tally.duplicated, table(plan, outcome)
