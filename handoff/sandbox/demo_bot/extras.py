"""What an event carries besides text, reduced to what a page may show of it."""

from typing import Any
from urllib.parse import urlsplit

PICTURES = ("image/png", "image/jpeg", "image/gif", "image/webp")


def attachments(told: object) -> list[dict[str, Any]]:
    """Return {name, url, size, is_picture, error} of each file; a url may be ""."""
    return [
        {
            "name": _text(file.get("file_name")) or "file",
            "url": web_address(file.get("url")),
            "size": file["size"] if isinstance(file.get("size"), int) else 0,
            "is_picture": file.get("content_type") in PICTURES,
            "error": _text(file.get("error")),
        }
        for file in _objects(told)
    ]


def links(told: object) -> list[dict[str, str]]:
    """Return {label, url} of each link that leads into the web."""
    found = [
        (_text(link.get("label")), web_address(link.get("url")))
        for link in _objects(told)
    ]
    return [{"label": label or url, "url": url} for label, url in found if url]


def choices(told: object) -> list[dict[str, str]]:
    """Return {label, value} of each choice; what lacks one of them is both."""
    found = [(_text(it.get("label")), _text(it.get("value"))) for it in _objects(told)]
    return [
        {"label": label or value, "value": value or label}
        for label, value in found
        if label or value
    ]


def question(text: str, *, choices: list[dict[str, str]]) -> str:
    """Return the text without the lines that number the choices: they are buttons."""
    numbered = {f"{n}. {one['label']}" for n, one in enumerate(choices, start=1)}
    return "\n".join(line for line in text.split("\n") if line not in numbered)


def name(person: object) -> str:
    return _text(person.get("name")) if isinstance(person, dict) else ""


def avatar_url(person: object) -> str:
    return web_address(person.get("avatar_url")) if isinstance(person, dict) else ""


def web_address(told: object) -> str:
    """Return it if a browser can open it without running anything, else ""."""
    try:
        parts = urlsplit(_text(told))
    except ValueError:
        return ""
    is_web = parts.scheme in ("http", "https") and parts.netloc
    return _text(told) if is_web else ""


def content_type(content: bytes, *, told: str) -> str:
    """Return what a file is; a picture only if it begins like one, whatever is told."""
    unclear = not told or told in PICTURES
    return _picture_type(content) or ("application/octet-stream" if unclear else told)


def _picture_type(content: bytes) -> str:
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if content.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if content.startswith((b"GIF87a", b"GIF89a")):
        return "image/gif"
    if content.startswith(b"RIFF") and content[8:12] == b"WEBP":
        return "image/webp"
    return ""


def _objects(told: object) -> list[dict[str, Any]]:
    found = told if isinstance(told, list) else []
    return [it for it in found if isinstance(it, dict)]


def _text(told: object) -> str:
    return told if isinstance(told, str) else ""
