"""What a user sees of a part, whatever kind it is of."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from handoff.chat_systems import text as texts
from handoff.chat_systems.agent_chat.addresses import FILE
from handoff.chat_systems.values import InboundFile
from handoff.files import names

# A bot shows them as buttons; what goes beyond stays readable in the text.
MAX_LINKS = 50
MAX_CHOICES = 100
MAX_FILES = 100
# What the column of an attachment's source holds.
_MAX_ADDRESS = 1_000
_WEB = ("", "http", "https")
_NOT_IN_AN_ADDRESS = re.compile(r"[\s\x00-\x1f\x7f<>\"'\\]")


@dataclass(frozen=True, kw_only=True)
class Content:
    text: str = ""
    html: str = ""
    links: list[dict[str, str]] = field(default_factory=list)
    choices: list[dict[str, str]] = field(default_factory=list)
    files: list[InboundFile] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.text or self.files)


def joined(contents: Iterable[Content]) -> Content:
    """Return several contents as one, each on lines of its own."""
    every = [content for content in contents if content]
    files = [file for content in every for file in content.files]
    every += [words(file.source) for file in files[MAX_FILES:]]
    return Content(
        text="\n".join(content.text for content in every if content.text),
        html="<br>".join(content.html for content in every if content.html),
        links=[link for content in every for link in content.links][:MAX_LINKS],
        choices=[one for content in every for one in content.choices][:MAX_CHOICES],
        files=files[:MAX_FILES],
    )


def words(text: str) -> Content:
    """Return what is plain text, and nothing else."""
    return Content(text=text, html=texts.to_html(text))


def lines(*said: str) -> Content:
    return words("\n".join(line for line in said if line))


def link(*, address: str, label: str) -> Content:
    """Return a file of the instance, a web link, or else the words alone."""
    if FILE.fullmatch(path_in(address)):
        return file(address=address, label=label)
    known = label or address
    if not texts.is_web_address(address):
        return words(f"{label} ({address})" if label and address else known)
    return Content(
        text=f"{label} ({address})" if label else address,
        html=texts.anchor(url=address, label=known),
        links=[{"url": address, "label": known}],
    )


def picture(*, address: str, label: str) -> Content:
    """Return a picture of the instance as a file, one from elsewhere as a link.

    Nothing is fetched from elsewhere; what names no host is on the instance.
    """
    if path_in(address) and not urlsplit(address).netloc:
        return file(address=address, label=label)
    return link(address=address, label=label)


def file(*, address: str, label: str) -> Content:
    # An attachment's id is behind its path, which has no name of its own.
    name = label or unquote(path_in(address).removesuffix("/sys_attachment.do"))
    named = InboundFile(source=address, file_name=names.clean(name))
    return Content(files=[named])


def path_in(address: str) -> str:
    """Return the path in an address of the web or without a host, "" of any other."""
    if len(address) > _MAX_ADDRESS or _NOT_IN_AN_ADDRESS.search(address):
        return ""
    try:
        parts = urlsplit(address)
    except ValueError:
        return ""
    if bool(parts.scheme) != bool(parts.netloc) or parts.scheme not in _WEB:
        return ""
    return f"/{parts.path.lstrip('/')}" if parts.path else ""
