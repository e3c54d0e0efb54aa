"""What the same work costs on a database that has grown, beside an empty one."""

from statistics import median

from bench import load
from bench.doors import Callbacks, Handoffs, calls
from bench.growing import grow, scans
from bench.relays import Ours
from bench.rows.latency import EVERY, arrival_seconds
from bench.stage import Scale, Stage, another
from bench.table import Pair, Row, at_most

HANDOFFS = 8


def rows(stage: Stage) -> list[Row]:
    """Leave beat out: looks at thousands of handoffs are not the cost of a message."""
    scale = stage.scale
    arrivals: dict[str, list[float]] = {"empty": [], "full": []}
    answers: dict[str, list[float]] = {"empty": [], "full": []}
    with another(stage, "empty") as empty, another(stage, "full") as full:
        doors = {
            "empty": _doors(stage, empty, bots=1),
            "full": _doors(stage, full, bots=scale.stored_bots),
        }
        grow(
            full.database_url,
            bots=scale.stored_bots,
            handoffs=scale.stored_handoffs,
            messages=scale.stored_messages,
        )
        before = scans(full.database_url)
        for _ in range(scale.rounds):
            for name, (handoffs, callbacks) in doors.items():
                arrivals[name] += arrival_seconds(stage, handoffs)
                answers[name] += _answer_seconds(stage, callbacks)
        scanned = scans(full.database_url).items() - before.items()
    return [
        _row("POST in to POST out", arrivals, scale=scale),
        _row("callback answered", answers, scale=scale),
        _scan_row(sorted(table for table, _ in scanned)),
    ]


def _doors(stage: Stage, ours: Ours, *, bots: int) -> tuple[Handoffs, Callbacks]:
    ours.worker()
    bot = ours.make_bots(*[stage.servicenow.url] * bots)[0]
    handoffs = ours.hand_over(bot, each=HANDOFFS)
    return handoffs, ours.callbacks(bot, handoffs)


def _answer_seconds(stage: Stage, callbacks: Callbacks) -> list[float]:
    posts = calls(callbacks, stage.scale.samples)
    return [each.seconds for each in load.paced(callbacks.port, posts, every=EVERY)]


def _row(what: str, seconds: dict[str, list[float]], *, scale: Scale) -> Row:
    return at_most(
        f"Grown database: {what}, p50",
        Pair(
            ours=1000 * median(seconds["full"]), beside=1000 * median(seconds["empty"])
        ),
        target=1.2,
        unit="ms",
        note=f"{scale.stored_messages:,} messages, {scale.stored_handoffs:,} open"
        f" handoffs, {scale.stored_bots:,} bots; beside an empty one",
    )


def _scan_row(tables: list[str]) -> Row:
    return Row(
        what="Grown database: large tables read from end to end",
        ours=str(len(tables)),
        beside="",
        ratio="",
        target="0",
        met=not tables,
        note=", ".join(tables),
    )
