"""Messages a second that arrive, end to end, as fast as they can be posted."""

from collections import Counter
from statistics import median

from bench import load
from bench.doors import Door, calls
from bench.stage import Stage
from bench.table import Pair, Row, at_least, spread

THREADS = 16


def rows(stage: Stage) -> list[Row]:
    doors: dict[str, Door] = {
        "ours": stage.handoffs,
        "tutorial": stage.tutorial,
        "inline": stage.inline,
    }
    rates: dict[str, list[float]] = {name: [] for name in doors}
    tally = Counter[str]()
    for _ in range(stage.scale.rounds):
        for name, door in doors.items():
            rates[name].append(_burst(stage, door, tally, name=name))
    return [
        _row(rates, tally, beside="tutorial", target=2),
        _row(rates, tally, beside="inline", target=0.7),
    ]


def _burst(stage: Stage, door: Door, tally: Counter[str], *, name: str) -> float:
    """Return the rate until the last arrival; count what went wrong by whose it was."""
    sent = load.at_once(door.port, calls(door, stage.scale.messages), threads=THREADS)
    counted = stage.servicenow.count(each.text for each in sent)
    tally[f"{name} lost"] += counted.lost
    tally[f"{name} twice"] += counted.repeated
    tally[f"{name} answered 503"] += sum(each.repeats for each in sent)
    return len(counted.arrivals) / (counted.last - min(each.began for each in sent))


def _row(
    rates: dict[str, list[float]], tally: Counter[str], *, beside: str, target: float
) -> Row:
    seen = [f"{count} {what}" for what, count in tally.items() if count]
    return at_least(
        f"Sustained, beside the {beside} relay",
        Pair(ours=median(rates["ours"]), beside=median(rates[beside])),
        target=target,
        unit="/s",
        sound=tally["ours lost"] + tally["ours twice"] == 0,
        note=f"ours {spread(rates['ours'])}; {beside} {spread(rates[beside])};"
        f" {', '.join(seen) or 'none lost, none twice'}",
    )
