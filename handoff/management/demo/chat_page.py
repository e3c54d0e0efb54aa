"""The demo bot's chat page, as its user sees it."""

from dataclasses import dataclass

from handoff.management.demo.browser import Browser, Page
from handoff.management.demo.markup import Node


@dataclass(frozen=True)
class Line:
    """A message as displayed."""

    id: str
    role: str
    author: str
    text: str


def read_lines(root: Node, *, author: str, text: str) -> list[Line]:
    """Return the messages from top to bottom; author and text name their classes."""
    messages = [node for node in root.walk() if "data-message-id" in node.attributes]
    return [
        Line(
            id=message.attributes["data-message-id"],
            role=message.attributes["data-role"],
            author="".join(node.line for node in message.find(class_=author)),
            text="".join(node.text for node in message.find(class_=text)),
        )
        for message in messages
    ]


@dataclass(frozen=True)
class Header:
    """With whom the user is talking."""

    state: str
    name: str
    detail: str


class ChatPage:
    def __init__(self, *, url: str) -> None:
        self.url = url
        self.browser = Browser()
        self.page = self.open()

    def open(self) -> Page:
        self.page = self.browser.get(f"{self.url}/")
        return self.page

    def say(self, text: str) -> None:
        self.page = self.browser.submit(self.page.form(having="text"), text=text)

    def lines(self) -> list[Line]:
        return read_lines(self.open().root, author="author", text="text")

    def header(self) -> Header:
        (status,) = self.open().root.find(id="status")
        return Header(
            state=status.attributes.get("data-state", ""),
            name=status.find("h1")[0].line,
            detail=status.find("p")[0].line,
        )
