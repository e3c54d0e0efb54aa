"""The demo rests on this: a fault that is missed here would be shown as success."""

import pytest

from handoff.management.demo.judge import faults, quote

SENT = ("one", "two\nlines", "<b>three</b>")


def test_all_once_and_in_order_is_no_fault():
    assert faults(sent=SENT, displayed=list(SENT)) == []


@pytest.mark.parametrize(
    ("displayed", "expected"),
    [
        ([], ["lost: 'one'", "lost: 'two\\nlines'", "lost: '<b>three</b>'"]),
        (["one", "<b>three</b>"], ["lost: 'two\\nlines'"]),
        (["one", "one", *SENT[1:]], ["displayed 2 times: 'one'"]),
        (["one", *SENT[1:], "one"], ["displayed 2 times: 'one'"]),
        ([SENT[1], SENT[0], SENT[2]], ["out of order: 'two\\nlines' before 'one'"]),
        ([*SENT, "four"], ["unexpected: 'four'"]),
        (
            ["one", "two lines", "<b>three</b>"],
            ["lost: 'two\\nlines'", "unexpected: 'two lines'"],
        ),
        (
            ["one", "two\nlines", "three"],
            ["lost: '<b>three</b>'", "unexpected: 'three'"],
        ),
    ],
    ids=[
        "nothing came",
        "one was lost",
        "doubled at once",
        "doubled later",
        "swapped",
        "from elsewhere",
        "a newline was spoiled",
        "markup was stripped",
    ],
)
def test_each_fault_is_named(displayed: list[str], expected: list[str]):
    assert faults(sent=SENT, displayed=displayed) == expected


def test_a_long_text_is_quoted_short():
    assert quote("x" * 3900) == "'" + "x" * 59 + "… (3,900 characters)"
