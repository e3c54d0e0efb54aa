"""The sandbox's agent desk, as an agent sees it."""

from handoff.management.demo.browser import Browser, Page
from handoff.management.demo.files import File
from handoff.management.demo.lines import Line, Reader

AGENT = "agent"
PASSWORD = "agent"  # noqa: S105 (the sandbox is born with it)
AGENT_NAME = "Live Agent"


class Desk:
    def __init__(self, *, url: str) -> None:
        self.url = f"{url}/desk/"
        self.browser = Browser()
        self.reader = Reader(self.browser, author="message-author", text="message-text")
        self.chat = ""

    def log_in(self) -> None:
        login = self.browser.get(self.url).form(having="user_name")
        self.browser.submit(login, user_name=AGENT, user_password=PASSWORD)

    def find_waiting(self) -> bool:
        """Open the chat that waits first, if one does yet."""
        page = self.browser.get(self.url)
        chats = page.root.find("article", data_waiting="")
        if chats:
            self.chat = page.address(chats[0].find("a")[0])
        return bool(chats)

    def accept(self) -> None:
        self._press("accept/")

    def end(self) -> None:
        self._press("end/")

    def say(self, text: str) -> None:
        self.browser.submit(self._page().form(having="text"), text=text)

    def attach(self, file: File) -> None:
        self.browser.attach(self._page().form(having="file"), file)

    def set_typing(self, *, typing: bool) -> None:
        self.browser.submit(self._page().typing_form(typing=typing))

    def sees_typing(self) -> bool:
        return bool(self._page().root.find(data_typing_role="requester"))

    def lines(self) -> list[Line]:
        return self.reader.lines(self._page())

    def _press(self, action: str) -> None:
        # The list beside the chat has such buttons too, for other chats.
        form = self._page().form(action=f"{self.chat}{action}")
        self.browser.submit(form)

    def _page(self) -> Page:
        return self.browser.get(self.chat)
