"""Callbacks a second that are answered, each of them stored by then."""

import time
from statistics import median

from bench import load
from bench.doors import Door, calls
from bench.stage import Stage
from bench.table import Pair, Row, at_least, spread

THREADS = 16


def rows(stage: Stage) -> list[Row]:
    """Let our worker process what comes meanwhile, as it does in production."""
    doors: dict[str, Door] = {
        "ours": stage.ours.callbacks(stage.bot, stage.handoffs),
        "bare": stage.bare,
    }
    rates: dict[str, list[float]] = {name: [] for name in doors}
    for _ in range(stage.scale.rounds):
        for name, door in doors.items():
            rates[name].append(_burst(stage, door))
            stage.ours.await_inbox()
    return [
        at_least(
            "Callbacks answered, beside a bare view with one INSERT",
            Pair(ours=median(rates["ours"]), beside=median(rates["bare"])),
            target=0.6,
            unit="/s",
            note=f"ours {spread(rates['ours'])}; bare {spread(rates['bare'])}",
        )
    ]


def _burst(stage: Stage, door: Door) -> float:
    posts = calls(door, stage.scale.callbacks)
    began = time.monotonic()
    load.at_once(door.port, posts, threads=THREADS)
    return len(posts) / (time.monotonic() - began)
