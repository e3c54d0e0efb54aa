"""The name of a file, as it may stand in a header, on a page and in ServiceNow."""

import re
from pathlib import PurePosixPath

MAX_LENGTH = 255
MAX_SUFFIX = 20
NAMELESS = "file"


def clean(name: str) -> str:
    """Return the last part of a path without what nobody sees; never nothing.

    What is not printable could break a header, or turn the letters of `cod.exe` round.
    """
    last = re.split(r"[/\\]", name)[-1]
    seen = "".join(letter for letter in last if letter.isprintable()).strip(" .")
    suffix = PurePosixPath(seen).suffix[-MAX_SUFFIX:]
    if len(seen) > MAX_LENGTH:
        seen = seen[: MAX_LENGTH - len(suffix)] + suffix
    return seen or NAMELESS


def label(file_name: str) -> str:
    """Return the text of a message that is nothing but a file.

    ServiceNow's own clients write it so, and hide it where they show the file.
    """
    return f"File: {file_name}"
