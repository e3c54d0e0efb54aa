"""How the state machines are played."""

from collections.abc import Callable

from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

STEPS = 12


def play(machine: Callable[[], RuleBasedStateMachine], *, examples: int) -> None:
    """Play so many, the same each time; what fails is told as short as it can be."""
    run_state_machine_as_test(
        machine,  # type: ignore[arg-type] # a factory will do, says its documentation
        settings=settings(
            max_examples=examples,
            stateful_step_count=STEPS,
            deadline=None,
            derandomize=True,
            database=None,
        ),
    )
