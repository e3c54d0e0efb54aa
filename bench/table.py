"""Rows of measurements beside their targets, and how they are printed."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import quantiles

HEAD = ("", "ours", "beside", "ratio", "target", "")


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Two figures of the same run."""

    ours: float
    beside: float


@dataclass(frozen=True, kw_only=True)
class Row:
    """One figure of ours, what it is compared with, and whether that is enough."""

    what: str
    ours: str
    beside: str
    ratio: str
    target: str
    met: bool
    note: str = ""

    @property
    def cells(self) -> tuple[str, ...]:
        verdict = "OK" if self.met else "MISS"
        return (self.what, self.ours, self.beside, self.ratio, self.target, verdict)


def at_least(
    what: str,
    pair: Pair,
    *,
    target: float,
    unit: str,
    sound: bool = True,
    note: str = "",
) -> Row:
    """Return a row whose ratio must reach the target, and which must be `sound`."""
    met = sound and pair.ours >= target * pair.beside
    return _row(what, pair, unit=unit, target=f"≥ {target:g} x", met=met, note=note)


def at_most(what: str, pair: Pair, *, target: float, unit: str, note: str = "") -> Row:
    """Return a row whose ratio must stay within the target."""
    met = pair.ours <= target * pair.beside
    return _row(what, pair, unit=unit, target=f"≤ {target:g} x", met=met, note=note)


def show(rows: Sequence[Row]) -> str:
    """Return the rows as a table that Markdown reads too, notes below it."""
    lines = [HEAD, *(row.cells for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(HEAD))]
    shown = ["| " + " | ".join(map(str.ljust, line, widths)) + " |" for line in lines]
    rule = "|" + "|".join("-" * (width + 2) for width in widths) + "|"
    notes = [f"* {row.what}: {row.note}" for row in rows if row.note]
    return "\n".join([shown[0], rule, *shown[1:], "", *notes])


def percentile(values: Sequence[float], percent: int) -> float:
    """Return the value that `percent` of them do not exceed."""
    return quantiles(values, n=100, method="inclusive")[percent - 1]


def spread(values: Sequence[float]) -> str:
    """Return the rounds behind a median."""
    return ", ".join(map(_short, values))


def _row(what: str, pair: Pair, *, unit: str, target: str, met: bool, note: str) -> Row:
    return Row(
        what=what,
        ours=f"{_short(pair.ours)} {unit}",
        beside=f"{_short(pair.beside)} {unit}",
        ratio=f"{pair.ours / pair.beside:.2f}",
        target=target,
        met=met,
        note=note,
    )


def _short(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
