"""What the others notice of one instance that takes calls and never answers."""

import time

from bench.instance import NEVER
from bench.relays import WORKER_THREADS
from bench.rows.latency import arrival_seconds
from bench.stage import Stage
from bench.table import Pair, Row, at_most, percentile

# More than one worker has threads; each start hangs until the deadline of a call.
STARTS = 2 * WORKER_THREADS
DEADLINE = 15.0


def rows(stage: Stage) -> list[Row]:
    [silent] = stage.ours.make_bots(stage.silent.url)
    stage.silent.wait(NEVER)
    quiet: list[float] = []
    beside_it: list[float] = []
    for number in range(stage.scale.silent_rounds):
        quiet += arrival_seconds(stage, stage.handoffs)
        for start in range(STARTS):
            stage.ours.start_handoff(silent, number=number * STARTS + start)
        beside_it += arrival_seconds(stage, stage.handoffs)
        time.sleep(STARTS / WORKER_THREADS * DEADLINE + DEADLINE)
    return [
        at_most(
            "One silent instance: the others' POST in to POST out, p95",
            Pair(
                ours=1000 * percentile(beside_it, 95),
                beside=1000 * percentile(quiet, 95),
            ),
            target=1.2,
            unit="ms",
            note="beside the same with no silent one",
        )
    ]
