"""What a file is, by its content alone: its name and its sender are not believed."""

import codecs
import re
from collections.abc import Iterable, Iterator
from itertools import chain

import filetype

HEAD = 8_192
UNKNOWN = "application/octet-stream"
# What the library takes for bytes only: formats whose files may be all text.
_TEXT_FORMATS = {"%PDF-": "application/pdf", "{\\rtf": "application/rtf"}
# Those of the control characters that no text has.
_CONTROL = re.compile("[\x00-\x08\x0b\x0e-\x1f\x7f]")
# The first tag, behind what may precede it; nothing is read twice: it is hostile.
_FIRST_TAG = re.compile(
    r"(?>\s+|<\?.*?\?>|<!--.*?-->|<!doctype[^>\[]*(?>\[[^\]]*\]\s*)?>)*+<(?:\w+:)?(\w+)",
    re.IGNORECASE | re.DOTALL,
)
_DOCTYPE = re.compile(r"\s*+<!doctype\s++html", re.IGNORECASE)
# What a page begins with, by the MIME Sniffing Standard, and what may run a script.
_PAGE_TAGS = {
    *("html", "head", "title", "base", "meta", "link", "style", "script"),
    *("body", "frameset", "h1", "p", "div", "table", "br", "a", "b", "font"),
    *("form", "iframe", "img", "object", "embed"),
}


def sniff(content: Iterable[bytes]) -> str:
    """Return the MIME type of what comes in chunks, the first of them of HEAD or more.

    Archives are never opened: a document is told from a zip by the names in its head.
    """
    chunks = iter(content)
    first = next(chunks, b"")
    if _is_text(chain([first], chunks)):
        return _kind_of_text(first[:HEAD].decode("utf-8-sig", errors="ignore"))
    return filetype.guess_mime(first[:HEAD]) or UNKNOWN


def _is_text(chunks: Iterator[bytes]) -> bool:
    """Tell whether all of it is UTF-8 without control characters."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        for chunk in chunks:
            if _CONTROL.search(decoder.decode(chunk)):
                return False
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _kind_of_text(head: str) -> str:
    """Return text/plain, unless the text is what a program would run or lay out."""
    for start, kind in _TEXT_FORMATS.items():
        if head.startswith(start):
            return kind
    if _DOCTYPE.match(head):
        return "text/html"
    tag = _FIRST_TAG.match(head)
    name = tag[1].lower() if tag else ""
    if name == "svg":
        return "image/svg+xml"
    if name in _PAGE_TAGS:
        return "text/html"
    return "application/xml" if head.lstrip().startswith("<?xml") else "text/plain"
