"""Message text on its way in and out."""

import html
import re
import unicodedata
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
# Of escaped text. Marks hold no mark of their kind, so each is read once.
_MARKDOWN = re.compile(
    r"""\[(?P<label>[^\[\]\n]+)\]\((?P<link>https?://[^\s()<>"']+)\)
    |(?P<url>https?://[^\s<>"']+)
    |(?<![\w*])\*\*\*(?=\S)(?P<both>[^*\n]+)(?<=\S)\*\*\*(?![\w*])
    |(?<![\w*])\*\*(?=\S)(?P<bold>[^*\n]+)(?<=\S)\*\*(?![\w*])
    |(?<![\w*])\*(?=\S)(?P<italic>[^*\n]+)(?<=\S)\*(?![\w*])""",
    re.VERBOSE,
)
# Of cleaned markup, where every anchor is closed and none holds another.
_ANCHOR = re.compile(r'<a href="(https?://[^"]*)"[^<>]*>(.*?)</a>', re.DOTALL)
_BLOCK_END = re.compile(r"(?i)</(?:div|h[1-6]|tr)\s*>")
_CELL_END = re.compile(r"(?i)</t[dh]\s*>")
_TAG = re.compile(r"<[^<>]*>")
# What a parser opens again in every block behind one that did not close it: three times
# for each name, and every time that it has attributes.
_REOPENED = re.compile(
    r"(?i)<(?:b|big|code|em|font|i|nobr|s|small|strike|strong|tt|u)[\s/]"
)
_REOPENED_ALIKE = 39
# Elements that a parser may make of markup from outside: 55 MB of them.
_MOST_ELEMENTS = 200_000
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


def is_same(sent: str, read: str) -> bool:
    """Tell whether a text that was read back is the one that was sent.

    Releases differ in what they escape, and in the white space that they keep.
    """
    as_read = {_plainest(render(sent)), _plainest(render(decode(sent)))}
    return _plainest(read) in as_read


def begins(sent: str, *, with_: str) -> bool:
    """Tell whether what was read back may be the beginning of a text that was sent."""
    start = _plainest(with_)
    return any(_plainest(text).startswith(start) for text in (sent, decode(sent)))


def _plainest(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).split())


def to_html(text: str) -> str:
    """Return plain text as safe HTML: escaped, addresses linked, lines kept."""
    escaped = html.escape(text, quote=False)
    linked = _URL.sub(r'<a href="\g<0>">\g<0></a>', escaped)
    return clean(linked.replace("\n", "<br>"))


def markdown_to_html(text: str) -> str:
    """Return text with bold, italic and links in Markdown as safe HTML.

    Lists stay as they were written: their lines are kept.
    """
    marked = _MARKDOWN.sub(_mark_up, html.escape(text, quote=False))
    return clean(marked.replace("\n", "<br>"))


def _mark_up(match: re.Match[str]) -> str:
    kind = str(match.lastgroup)
    said = match[kind]
    forms = {
        "link": f'<a href="{said}">{match["label"]}</a>',
        "url": f'<a href="{said}">{said}</a>',
        "both": f"<strong><em>{said}</em></strong>",
        "bold": f"<strong>{said}</strong>",
        "italic": f"<em>{said}</em>",
    }
    return forms[kind]


def is_web_address(address: str) -> bool:
    return bool(_URL.fullmatch(address))


def anchor(*, url: str, label: str) -> str:
    """Return a link as safe HTML."""
    return clean(f'<a href="{html.escape(url)}">{html.escape(label)}</a>')


def anchors(cleaned: str) -> list[dict[str, str]]:
    """Return the web links in cleaned markup that have a label of their own."""
    found = [
        {"url": html.unescape(match[1]), "label": to_plain(match[2])}
        for match in _ANCHOR.finditer(cleaned)
    ]
    return [link for link in found if link["label"] not in ("", link["url"])]


def document_to_html(markup: str) -> str:
    """Return a page or a part of one as safe HTML; rows of tables become lines."""
    flowing = _CELL_END.sub(" ", " ".join(markup.split()))
    broken = _BLOCK_END.sub("\n", flowing)
    shown = clean(broken) if _is_parsable(broken) else to_html(_without_tags(broken))
    lines = shown.splitlines()
    return "<br>".join(line.strip() for line in lines if line.strip())


def document_to_plain(cleaned: str) -> str:
    """Return cleaned markup as text, with the address behind every link."""
    lines = to_plain(_ANCHOR.sub(_spell_anchor, cleaned)).splitlines()
    return "\n".join(line.strip() for line in lines if line.strip())


def _spell_anchor(match: re.Match[str]) -> str:
    url, label = match[1], match[2]
    return label if to_plain(label) == html.unescape(url) else f"{label} ({url})"


def clean(markup: str) -> str:
    """Return markup with what a chat shows of it: no scripts, styles or pictures."""
    return nh3.clean(
        markup,
        tags=TAGS,
        attributes={"a": {"href"}},
        url_schemes={"https", "http", "mailto"},
        link_rel="noopener noreferrer nofollow",
    )


def to_plain(markup: str) -> str:
    """Return the text of markup that a queue's administrator wrote."""
    broken = re.sub(r"(?i)<(?:br|/p|/li|/div)[^<>]*>", "\n", markup)
    if not _is_parsable(broken):
        return _without_tags(broken).strip()
    return html.unescape(nh3.clean(broken, tags=set())).strip()


def _is_parsable(markup: str) -> bool:
    """Tell whether the elements of markup are few enough, in the worst case.

    64 kB of hostile markup would take all memory, and the parser the process with it.
    """
    reopened = _REOPENED_ALIKE + len(_REOPENED.findall(markup))
    return reopened * markup.count("<") <= _MOST_ELEMENTS


def _without_tags(markup: str) -> str:
    return html.unescape(_TAG.sub(" ", markup))


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
