"""Fields of the API: every one may be missing, and releases disagree on its type."""

from typing import Any

Part = dict[str, Any]


def text_of(part: Part, *names: str) -> str:
    """Return the first of these fields that says something, with plain line ends."""
    said = (plain(part.get(name)) for name in names)
    return next((text for text in said if text), "")


def plain(value: Any) -> str:
    """Return a scalar as text, and "" for anything else, or for nothing but blanks."""
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str | int | float):
        return ""
    text = str(value).replace("\r\n", "\n").replace("\r", "\n")
    return text if text.strip() else ""


def is_true(part: Part, name: str) -> bool:
    return text_of(part, name).lower() == "true"


def object_of(part: Part, name: str) -> Part:
    value = part.get(name)
    return value if isinstance(value, dict) else {}


def objects_of(part: Part, name: str) -> list[Part]:
    """Return the objects in a list; one alone may stand without its list."""
    value = part.get(name)
    listed = value if isinstance(value, list) else [value]
    return [item for item in listed if isinstance(item, dict)]
