"""Message text on its way in and out."""

import html
import re
from collections.abc import Iterator

import nh3
import regex

TAGS = {"a", "b", "i", "em", "strong", "br", "p", "ul", "ol", "li", "code", "pre"}

# Link, mention and old mention tokens of Connect; the @ may come as an entity. No
# part runs to the end of the text: thousands of openings would be read that often.
_LINK = re.compile(r"@L\[([^|\[\]]*)\|([^\]]{0,500})\]")
_MENTION = re.compile(r"@M\[[^|\[\]]*\|([^\]]{0,500})\]")
_OLD_MENTION = re.compile(r"@\[[^:\[\]]*:([^\]]{0,500})\]")
_ENTITY = re.compile(r"&(?:lt|gt|amp|quot|apos|nbsp|#\d{1,7}|#[xX][0-9a-fA-F]{1,6});")
_URL = re.compile(r"https?://[^\s<>\"']+")
# What no queue makes anybody wait, and every column holds.
_LONGEST_WAIT = 31_536_000
_GRAPHEME = regex.compile(r"\X")


def decode(raw: str) -> str:
    """Undo one level of known entities, and drop the carriage returns of line ends."""
    text = _ENTITY.sub(lambda match: html.unescape(match[0]), raw)
    return text.replace("\r\n", "\n").replace("\r", "\n")


def decode_existing_rule(raw: str) -> str:
    """Undo GlideStringUtil.escapeForHomePage, which Kore.ai's recipe applies."""
    text = re.sub("%3c", "<", raw, flags=re.IGNORECASE)
    text = re.sub("%3e", ">", text, flags=re.IGNORECASE)
    return text.replace("\\n", "\n")


def render(text: str) -> str:
    """Return decoded text with link and mention tokens in plain words."""
    text = _LINK.sub(_spell_link, text)
    text = _MENTION.sub(r"@\1", text)
    return _OLD_MENTION.sub(r"@\1", text)


def _spell_link(match: re.Match[str]) -> str:
    target, label = match[1], match[2]
    # The target may be the sys_id of a live_link, which tells a reader nothing.
    return f"{label} ({target})" if target.startswith("http") else label


def links(text: str) -> list[dict[str, str]]:
    """Return the web links among the tokens of decoded text."""
    return [
        {"url": match[1], "label": match[2]}
        for match in _LINK.finditer(text)
        if _URL.fullmatch(match[1])
    ]


def to_html(text: str) -> str:
    """Return plain text as safe HTML: escaped, addresses linked, lines kept."""
    escaped = html.escape(text, quote=False)
    linked = _URL.sub(r'<a href="\g<0>">\g<0></a>', escaped)
    return nh3.clean(
        linked.replace("\n", "<br>"),
        tags=TAGS,
        attributes={"a": {"href"}},
        url_schemes={"https", "http", "mailto"},
        link_rel="noopener noreferrer nofollow",
    )


def to_plain(markup: str) -> str:
    """Return the text of markup that a queue's administrator wrote."""
    broken = re.sub(r"(?i)<(?:br|/p|/li|/div)[^<>]*>", "\n", markup)
    return html.unescape(nh3.clean(broken, tags=set())).strip()


def split(text: str, *, limit: int) -> Iterator[str]:
    """Cut text into parts of at most `limit` characters, never inside a grapheme.

    Lone graphemes longer than the limit are cut all the same.
    """
    part = ""
    for grapheme in _GRAPHEME.findall(text):
        if len(part) + len(grapheme) > limit and part:
            yield part
            part = ""
        while len(grapheme) > limit:
            yield grapheme[:limit]
            grapheme = grapheme[limit:]  # noqa: PLW2901 - what is left of it
        part += grapheme
    if part:
        yield part


def seconds(words: str) -> int | None:
    """Return the seconds in words like "3 Minutes 10 Seconds", or None."""
    units = {"day": 86_400, "hour": 3_600, "minute": 60, "second": 1}
    found = re.findall(r"(\d{1,6})\s*(day|hour|minute|second)", words.lower())
    if not found:
        return None
    total = sum(int(number) * units[unit] for number, unit in found)
    return min(total, _LONGEST_WAIT)
