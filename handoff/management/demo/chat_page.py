"""A demo bot's chat page, as its user sees it."""

from dataclasses import dataclass

from handoff.management.demo.browser import Browser, Page
from handoff.management.demo.files import File
from handoff.management.demo.lines import Line, Reader


@dataclass(frozen=True)
class Header:
    """With whom the user is talking."""

    state: str
    name: str
    detail: str
    avatar_url: str


class ChatPage:
    def __init__(self, *, url: str) -> None:
        self.url = url
        self.browser = Browser()
        self.reader = Reader(self.browser, author="author", text="text")
        self.page = self.open()

    def open(self) -> Page:
        self.page = self.browser.get(f"{self.url}/")
        return self.page

    def say(self, text: str) -> None:
        self.page = self.browser.submit(self.page.form(having="text"), text=text)

    def attach(self, file: File) -> None:
        self.page = self.browser.attach(self.page.form(having="file"), file)

    def choose(self, label: str) -> None:
        """Press the newest button that says so."""
        self.page = self.browser.press(self.open(), label=label)

    def shows_avatar(self) -> bool:
        """Tell whether there is a picture of the agent, and not just its address."""
        url = self.header().avatar_url
        kind = self.browser.fetch(url).headers["Content-Type"] if url else ""
        return kind.startswith("image/")

    def set_typing(self, *, typing: bool) -> None:
        self.browser.submit(self.open().typing_form(typing=typing))

    def sees_typing(self) -> bool:
        return any(line.line for line in self.open().root.find(id="typing"))

    def lines(self) -> list[Line]:
        return self.reader.lines(self.open())

    def header(self) -> Header:
        (status,) = self.open().root.find(id="status")
        return Header(
            state=status.attributes.get("data-state", ""),
            name=status.find("h1")[0].line,
            detail=status.find("p")[0].line,
            avatar_url="".join(
                self.page.address(picture) for picture in status.find("img")
            ),
        )
