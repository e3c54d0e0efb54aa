"""What one worker reaches while every instance takes 200 ms for a call."""

from pathlib import Path

from bench import load
from bench.doors import calls
from bench.instance import Counted
from bench.relays import Ours
from bench.stage import Stage, another
from bench.table import Pair, Row, at_least
from tests.processes import Process

CONNECTIONS = 16
CALLS_AT_ONCE = 4
LANES = CONNECTIONS * CALLS_AT_ONCE
DELAY = 0.2
MAX_MEGABYTES = 150


def rows(stage: Stage) -> list[Row]:
    with another(stage, "slow") as ours:
        try:
            counted, megabytes = _drain(stage, ours)
        finally:
            stage.servicenow.wait(0.0)
    return [
        at_least(
            "ServiceNow takes 200 ms: one worker, 16 connections of 4 calls",
            Pair(ours=_rate(counted), beside=LANES / DELAY),
            target=0.9,
            unit="/s",
            sound=counted.faults == 0,
            note=f"beside what is possible; {counted.faults} lost or twice",
        ),
        Row(
            what="Peak memory of that worker",
            ours=f"{megabytes:.0f} MB",
            beside="",
            ratio="",
            target=f"< {MAX_MEGABYTES} MB",
            met=megabytes < MAX_MEGABYTES,
        ),
    ]


def _drain(stage: Stage, ours: Ours) -> tuple[Counted, float]:
    """Store everything first, so that nothing but the worker is measured."""
    starter = ours.worker("starter")
    bots = ours.make_bots(*[stage.servicenow.url] * CONNECTIONS)
    handoffs = ours.hand_over(*bots, each=CALLS_AT_ONCE)
    starter.terminate()
    posts = calls(handoffs, LANES * stage.scale.slow_calls)
    load.at_once(ours.port, posts, threads=8)
    stage.servicenow.forget()
    stage.servicenow.wait(DELAY)
    ours.env["WORKER_CONCURRENCY"] = str(LANES)
    worker = ours.worker()
    ours.beat()
    counted = stage.servicenow.count(call.text for call in posts)
    return counted, _peak_megabytes(worker)


def _rate(counted: Counted) -> float:
    """Return arrivals a second, without those of the first and the last tenth."""
    times = sorted(counted.arrivals.values())
    tenth = len(times) // 10
    return (len(times) - 2 * tenth) / (times[-tenth] - times[tenth])


def _peak_megabytes(process: Process) -> float:
    """Return the most that was ever in memory of it, as Linux counts."""
    status = Path(f"/proc/{process.popen.pid}/status").read_text()
    kilobytes = status.partition("VmHWM:")[2].split()[0]
    return int(kilobytes) / 1024
