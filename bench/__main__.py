"""Measure: `make bench`, or `make bench ARGS="--quick"` for a short look."""

import argparse
import sys
from collections.abc import Callable

from bench.rows import (
    callbacks,
    growth,
    latency,
    silent_instance,
    slow_instances,
    statements,
    sustained,
)
from bench.stage import FULL, QUICK, Stage, set_stage
from bench.table import Row, show

MEASUREMENTS: dict[str, Callable[[Stage], list[Row]]] = {
    "sustained": sustained.rows,
    "slow": slow_instances.rows,
    "silent": silent_instance.rows,
    "answer": latency.answer_rows,
    "latency": latency.arrival_rows,
    "callbacks": callbacks.rows,
    "growth": growth.rows,
    "statements": statements.rows,
}


def main() -> int:
    """Print each row as soon as it is measured, and the whole table at the end."""
    options = _options()
    rows: list[Row] = []
    with set_stage(QUICK if options.quick else FULL) as stage:
        for name in options.only or MEASUREMENTS:
            measured = MEASUREMENTS[name](stage)
            sys.stderr.writelines(f"{' | '.join(row.cells)}\n" for row in measured)
            rows += measured
    sys.stdout.write(show(rows) + "\n")
    return 1 if options.strict and not all(row.met for row in rows) else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument(
        "--only", nargs="+", choices=MEASUREMENTS, help="these measurements alone"
    )
    parser.add_argument("--quick", action="store_true", help="fewer and smaller rounds")
    parser.add_argument("--strict", action="store_true", help="end with 1 on a MISS")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
