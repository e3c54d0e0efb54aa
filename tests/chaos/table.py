"""What a run prints."""

from collections import Counter
from dataclasses import fields

from tests.chaos.judge import Tally
from tests.chaos.plan import Plan
from tests.chaos.run import Outcome

TOO_SLOW = "The machine was too slow: calls took longer than the product may expect."
COLUMNS = [one.name for one in fields(Tally)]


def table(plan: Plan, outcome: Outcome) -> str:
    verdict = outcome.verdict
    without = f" without {plan.without}" if plan.without else ""
    systems = " and ".join(plan.systems)
    lines = [
        f"{plan.setup}{without}, {systems}, {plan.seconds:.0f} s, seed {plan.seed}",
        "",
        _row("", *COLUMNS),
        *(
            _row(f"{system} {direction}", *(getattr(tally, name) for name in COLUMNS))
            for (system, direction), tally in sorted(verdict.tallies.items())
        ),
        "",
        f"webhooks: {_counts(verdict.webhooks)}",
        f"struck by: {_counts(outcome.nemesis) or 'nothing'}",
        f"faults: {outcome.faults.total()}: {_counts(outcome.faults)}",
        f"posts of Agent Chat refused: {outcome.refused_posts}",
        f"slowest call that no fault held up: {outcome.slowest:.1f} s",
        f"time: {outcome.total:.0f} s, {outcome.set_up:.0f} s of it to set up,"
        f" {outcome.calm:.0f} s until all was calm",
        "",
        *(f"WRONG {fault}" for fault in [*verdict.details, *verdict.others]),
        *(f"MISSING {name}" for name in outcome.missing),
        f"{verdict.violations} violations",
        *([] if outcome.slowest < plan.timing.limit else [TOO_SLOW]),
        "",
    ]
    return "\n".join(lines)


def _row(name: str, *cells: object) -> str:
    return f"{name:32}" + "".join(f"{cell!s:>12}" for cell in cells)


def _counts(counts: Counter[str]) -> str:
    return ", ".join(f"{name} {count}" for name, count in counts.most_common())
