"""`make chaos`: break everything at once, and compare what was promised and seen."""

import argparse
import signal
import sys
from random import SystemRandom

from tests.chaos.plan import ABLATIONS, SYSTEMS, Plan, ablation, quick
from tests.chaos.run import play
from tests.chaos.table import table


def main() -> int:
    plan = _plan(_arguments())
    # However it is ended, it takes with it what it has started.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    outcome = play(plan)
    sys.stdout.write(table(plan, outcome))
    return 1 if outcome.verdict.violations or outcome.missing else 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    add = parser.add_argument
    add("--seed", type=int, default=SystemRandom().randrange(2**31))
    add("--setup", choices=("postgres", "embedded"), default="postgres")
    add("--chat-system", choices=(*SYSTEMS, "both"), default="both")
    add("--seconds", type=float, default=75.0, help="how long the storm takes")
    add("--quick", action="store_true", help="a small one, in a minute")
    add("--without", choices=ABLATIONS, default="", help="a rule that is taken away")
    return parser.parse_args()


def _plan(arguments: argparse.Namespace) -> Plan:
    chosen = arguments.chat_system
    plan = Plan(
        seed=arguments.seed,
        setup=arguments.setup,
        systems=SYSTEMS if chosen == "both" else (chosen,),
        seconds=arguments.seconds,
        without=arguments.without,
    )
    if plan.without:
        return ablation(plan)
    return quick(plan) if arguments.quick else plan


if __name__ == "__main__":
    sys.exit(main())
