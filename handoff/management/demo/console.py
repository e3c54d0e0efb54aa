"""What the demo tells the person who started it."""

import sys
import time
from collections.abc import Sequence
from io import TextIOWrapper


class Console:
    """Lines with the time since the start."""

    def __init__(self) -> None:
        # A terminal that knows no emoji shows a question mark, and the demo goes on.
        if isinstance(sys.stdout, TextIOWrapper):
            sys.stdout.reconfigure(errors="replace")
        self.started = time.monotonic()

    def say(self, text: str) -> None:
        self.write(f"+ {time.monotonic() - self.started:4.1f} s  {text}")

    def write(self, text: str) -> None:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()

    def box(self, title: str, lines: Sequence[str]) -> None:
        """Print the lines in a frame."""
        width = max(len(line) for line in [title, *lines])
        rows = [f"│ {line:<{width}} │" for line in lines]
        top = f"╭─ {title} {'─' * (width - len(title) - 1)}╮"
        self.write("\n".join([top, *rows, f"╰{'─' * (width + 2)}╯"]))


def preview(text: str, *, width: int = 60) -> str:
    """Return the text on one short line, its newlines made visible."""
    flat = text.replace("\n", "⏎")
    if len(flat) <= width:
        return f"“{flat}”"
    return f"“{flat[:width]}…” ({len(text):,} characters)"
