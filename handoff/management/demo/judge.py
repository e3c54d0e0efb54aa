"""Was what was sent displayed: each text once, and in order?"""

from collections import Counter
from collections.abc import Sequence
from itertools import pairwise


def faults(*, sent: Sequence[str], displayed: Sequence[str]) -> list[str]:
    """Return a sentence for each text lost, doubled, unexpected or out of order.

    Texts are told apart by their wording, so those sent must differ.
    """
    shown, asked = Counter(displayed), Counter(sent)
    found = [f"lost: {quote(text)}" for text in sent if not shown[text]]
    found += [
        f"displayed {count} times: {quote(text)}"
        for text, count in shown.items()
        if text in asked and count > 1
    ]
    found += [f"unexpected: {quote(text)}" for text in displayed if text not in asked]
    return found + _disorder(sent=sent, displayed=displayed)


def _disorder(*, sent: Sequence[str], displayed: Sequence[str]) -> list[str]:
    """Compare neighbours in the order of their first appearance."""
    place = {text: number for number, text in enumerate(sent)}
    shown = [text for text in dict.fromkeys(displayed) if text in place]
    return [
        f"out of order: {quote(later)} before {quote(text)}"
        for later, text in pairwise(shown)
        if place[later] > place[text]
    ]


def quote(text: str, *, width: int = 60) -> str:
    """Return the text on one short line, as it is printed and reported."""
    flat = repr(text)
    if len(flat) <= width:
        return flat
    return f"{flat[:width]}… ({len(text):,} characters)"
