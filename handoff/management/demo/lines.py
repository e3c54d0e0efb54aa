"""The messages on a page, as whoever looks at it sees them."""

from dataclasses import dataclass, field

from handoff.management.demo.browser import Browser, Page
from handoff.management.demo.files import described
from handoff.management.demo.markup import Node


@dataclass(frozen=True)
class Line:
    """A message as displayed."""

    id: str
    role: str
    author: str
    text: str
    files: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()

    @property
    def parts(self) -> list[str]:
        """Return what can be told apart: the text, if there is one, and each file."""
        return [*([self.text] if self.text.strip() else []), *self.files]


@dataclass(frozen=True)
class Reader:
    """Somebody at a page whose author and text have these classes."""

    browser: Browser
    author: str
    text: str
    known: dict[str, str] = field(default_factory=dict)

    def lines(self, page: Page) -> list[Line]:
        """Return the messages from top to bottom."""
        nodes = page.root.walk()
        messages = [node for node in nodes if "data-message-id" in node.attributes]
        return [self._line(message, page=page) for message in messages]

    def _line(self, message: Node, *, page: Page) -> Line:
        files = [node for node in message.walk() if "data-file-name" in node.attributes]
        choices = [
            button
            for button in message.find("button", name="choice")
            if "disabled" not in button.attributes
        ]
        return Line(
            id=message.attributes["data-message-id"],
            role=message.attributes["data-role"],
            author="".join(node.line for node in message.find(class_=self.author)),
            text="".join(node.text for node in message.find(class_=self.text)),
            files=tuple(self._file(node, page=page) for node in files),
            choices=tuple(node.line for node in choices),
        )

    def _file(self, element: Node, *, page: Page) -> str:
        """Fetch the file, once, and return what `File` says of the same one."""
        name, url = element.attributes["data-file-name"], page.address(element)
        if url not in self.known:
            answer = self.browser.fetch(url)
            if not answer.ok:
                return f"the file {name}, whose address answers {answer.status_code}"
            self.known[url] = described(name, content=answer.content)
        return self.known[url]
