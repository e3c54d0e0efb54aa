"""How long one message takes on an idle machine: to our answer, and to its arrival."""

from statistics import median

from bench import load
from bench.doors import Door, calls
from bench.load import Answered, Refused
from bench.stage import Stage
from bench.table import Pair, Row, at_most, percentile

EVERY = 0.1
SLOW = 0.2


def arrival_rows(stage: Stage) -> list[Row]:
    """Compare POST in to POST out with the relay that posts within its view."""
    seconds: dict[str, list[float]] = {"ours": [], "inline": []}
    doors: dict[str, Door] = {"ours": stage.handoffs, "inline": stage.inline}
    for _ in range(stage.scale.rounds):
        for name, door in doors.items():
            seconds[name] += arrival_seconds(stage, door)
    return [
        at_most(
            f"POST in to POST out, idle, {name}",
            _pair(seconds, percent),
            target=target,
            unit="ms",
        )
        for name, percent, target in (("p50", 50, 2.5), ("p99", 99, 4.0))
    ]


def arrival_seconds(stage: Stage, door: Door) -> list[float]:
    """Post one message after the other; return how long after each it arrived."""
    sent = load.paced(door.port, calls(door, stage.scale.samples), every=EVERY)
    counted = stage.servicenow.count(each.text for each in sent)
    if counted.lost:
        raise Refused(f"{counted.lost} of {len(sent)} messages did not arrive")
    return [counted.arrivals[each.text] - each.began for each in sent]


def answer_rows(stage: Stage) -> list[Row]:
    """Compare our answer while ServiceNow is slow with that while it is not."""
    ours: dict[float, list[float]] = {0.0: [], SLOW: []}
    inline: list[float] = []
    for _ in range(stage.scale.rounds):
        for delay, seconds in ours.items():
            stage.servicenow.wait(delay)
            seconds += [each.seconds for each in _paced(stage, stage.handoffs)]
        inline += [each.seconds for each in _paced(stage, stage.inline)]
        stage.servicenow.wait(0.0)
    return [
        at_most(
            "Our answer while ServiceNow takes 200 ms, beside 0 ms, p50",
            Pair(ours=1000 * median(ours[SLOW]), beside=1000 * median(ours[0.0])),
            target=1.3,
            unit="ms",
            note=f"the inline relay answers in {1000 * median(inline):.0f} ms",
        )
    ]


def _paced(stage: Stage, door: Door) -> list[Answered]:
    sent = load.paced(door.port, calls(door, stage.scale.samples // 2), every=EVERY)
    stage.servicenow.count(each.text for each in sent)
    return sent


def _pair(seconds: dict[str, list[float]], percent: int) -> Pair:
    return Pair(
        ours=1000 * percentile(seconds["ours"], percent),
        beside=1000 * percentile(seconds["inline"], percent),
    )
