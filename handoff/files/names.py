"""The name of a file, as it may stand in a header, on a page and in ServiceNow."""

import re
from pathlib import PurePosixPath

MAX_LENGTH = 255
MAX_SUFFIX = 20
NAMELESS = "file"
# Type → how files of it are called. A text by another name may be a program: `.hta`.
SUFFIXES = {
    "application/pdf": (".pdf",),
    "image/gif": (".gif",),
    "image/jpeg": (".jpg", ".jpeg", ".jfif"),
    "image/png": (".png",),
    "image/webp": (".webp",),
    "text/plain": (".txt", ".csv", ".json", ".log", ".md", ".tsv", ".yaml", ".yml"),
}


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


def fitting(name: str, *, content_type: str) -> str:
    """Return a clean name that a program is not chosen by in spite of the content.

    A suffix of another type is followed by one of the content's.
    """
    suffix = PurePosixPath(name).suffix.lower()
    known = SUFFIXES.get(content_type)
    if not known or suffix in ("", *known):
        return name
    return name[: MAX_LENGTH - len(known[0])] + known[0]


def label(file_name: str) -> str:
    """Return the text of a message that is nothing but a file.

    ServiceNow's own clients write it so, and hide it where they show the file.
    """
    return f"File: {file_name}"
