"""Files on the desk, in a chat of Connect Support."""

import re

import pytest
import requests

from tests.sandbox.instance import AGENT, BOT, Browser, Instance

pytestmark = pytest.mark.real_http

# The first eight bytes say what it is; the desk takes the browser's word for it.
PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
PAGE = b"<script>alert(1)</script>"


class Chat:
    """An accepted chat, as its agent and its requester have it."""

    def __init__(self, instance: Instance, browser: Browser) -> None:
        entry = instance.start("Where is my order?")
        self.instance = instance
        self.browser = browser
        self.group = entry["group"]
        self.path = f"/desk/chats/{entry['sys_id']}/"
        browser.log_in(AGENT)
        browser.submit(browser.get("/desk/"), action=f"{self.path}accept/")

    def page(self) -> requests.Response:
        return self.browser.get(self.path)

    def send(
        self, file: tuple[str, bytes, str] | None = None, *, text: str = ""
    ) -> requests.Response:
        action = f"{self.path}messages/"
        return self.browser.submit(self.page(), action=action, file=file, text=text)

    def said(self) -> list[str]:
        """Return what the requester's side reads after the greeting, oldest first."""
        messages = self.instance.messages(self.group)[::-1]
        return [message["message"] for message in messages[2:]]

    def files(self) -> list[dict[str, str]]:
        query = f"table_name=live_group_profile^table_sys_id={self.group}"
        found: list[dict[str, str]] = self.instance.get(
            "/api/now/table/sys_attachment", auth=BOT, sysparm_query=query
        )
        return found

    def address_of(self, name: str) -> str:
        found = re.search(rf'href="([^"]+)" data-file-name="{name}"', self.page().text)
        assert found
        return found[1]


@pytest.fixture
def chat(sandbox_instance: Instance, browser: Browser) -> Chat:
    return Chat(sandbox_instance, browser)


def test_an_agents_picture_goes_to_the_requester(chat):
    answer = chat.send(("cat.png", PICTURE, "image/png"))

    assert answer.headers["Location"] == chat.path
    assert chat.said() == ["File: cat.png"]
    (file,) = chat.files()
    assert (file["file_name"], file["content_type"]) == ("cat.png", "image/png")
    path = f"/api/now/attachment/{file['sys_id']}/file"
    assert chat.instance.call("GET", path, auth=BOT).content == PICTURE


def test_a_picture_is_shown_in_the_page(chat):
    chat.send(("cat.png", PICTURE, "image/png"))

    address = chat.address_of("cat.png")
    assert f'<img src="{address}" alt="cat.png">' in chat.page().text
    assert "File: cat.png" not in chat.page().text
    response = chat.browser.get(address)
    assert response.content == PICTURE
    assert response.headers["Content-Disposition"].startswith("inline")
    assert "private" in response.headers["Cache-Control"]


@pytest.mark.parametrize("kind", ["text/html", "image/svg+xml"])
def test_a_file_that_may_hold_a_script_is_only_downloaded(chat, kind):
    chat.send(("page", PAGE, kind))

    address = chat.address_of("page")
    assert f'<img src="{address}"' not in chat.page().text
    response = chat.browser.get(address)
    assert response.content == PAGE
    assert response.headers["Content-Disposition"].startswith("attachment")
    assert response.headers["X-Content-Type-Options"] == "nosniff"


def test_a_text_goes_before_the_file_beside_it(chat):
    chat.send(("cat.png", PICTURE, "image/png"), text="Look:")

    assert chat.said() == ["Look:", "File: cat.png"]


def test_a_requesters_file_is_shown(chat):
    query = {
        "table_name": "live_group_profile",
        "table_sys_id": chat.group,
        "file_name": "bill.pdf",
    }
    uploaded = chat.instance.call(
        "POST", "/api/now/attachment/file", auth=BOT, params=query, data=b"%PDF-1.7"
    )
    chat.instance.post(
        f"/api/now/connect/conversations/{chat.group}/messages",
        auth=BOT,
        message="File: bill.pdf",
        attachments=[uploaded.json()["result"]["sys_id"]],
    )

    assert chat.browser.get(chat.address_of("bill.pdf")).content == b"%PDF-1.7"


def test_a_name_is_shown_as_text(chat):
    chat.send(("<b>'&.png", PICTURE, "image/png"))

    assert 'data-file-name="&lt;b&gt;&#x27;&amp;.png"' in chat.page().text


@pytest.mark.parametrize("size", [0, 25 * 1024 * 1024 + 1])
def test_a_file_of_a_wrong_size_is_refused(chat, size):
    answer = chat.send(("big.bin", b"x" * size, "text/plain"), text="Keep me")

    assert answer.status_code == 400
    assert "A file has 1 byte to 25 MB" in answer.text
    assert ">\nKeep me</textarea>" in answer.text
    assert (chat.said(), chat.files()) == ([], [])


def test_neither_goes_when_the_chat_is_over(chat):
    chat.instance.act(chat.group, "leave", auth=BOT)
    chat.instance.act(chat.group, "close", auth=AGENT)

    answer = chat.send(("late.png", PICTURE, "image/png"), text="late")

    assert answer.status_code == 400
    assert "This support session is closed" in answer.text
    assert chat.files() == []


def test_a_chat_shows_no_file_of_another(chat, sandbox_instance):
    chat.send(("cat.png", PICTURE, "image/png"))
    other = Chat(sandbox_instance, chat.browser)

    file = chat.files()[0]["sys_id"]

    assert chat.browser.get(f"{chat.path}files/{file}/").status_code == 200
    assert chat.browser.get(f"{other.path}files/{file}/").status_code == 404


def test_a_file_asks_who_one_is(chat, sandbox_instance):
    chat.send(("cat.png", PICTURE, "image/png"))
    stranger = Browser(sandbox_instance)

    page = stranger.get(chat.address_of("cat.png"))

    stranger.session.close()
    assert "/login.do?next=" in page.url
