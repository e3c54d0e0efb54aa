"""Agent Chat on the desk: what an agent does there, and what becomes of it."""

import re
from html import unescape
from typing import Any

import pytest
import requests

from tests.sandbox.instance import AGENT, BOT, Browser, Instance, eventually
from tests.sandbox.receiver import Receiver
from tests.sandbox.virtual_agent import BILLING, VirtualAgentBot, connect

pytestmark = pytest.mark.real_http

HARD = 'She said "no"\n\n <b>bold</b> & $1 👩🏽‍💻 漢字'
PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(range(256))
QUESTION = "A person, please"
HISTORY = {
    "isBotMessage": True,
    "value": "Hello!",
    "displayName": "Demo bot",
    "type": "text",
    "timestamp": "1760000000000",
}


class Chat:
    """A chat that waits for an agent, as its bot and the desk have it."""

    def __init__(self, bot: VirtualAgentBot, *, browser: Browser) -> None:
        self.bot = bot
        self.browser = browser
        self.interaction = bot.start(QUESTION, history=[HISTORY])
        self.path = f"/desk/chats/{self.interaction}/"

    def page(self) -> requests.Response:
        return self.browser.get(self.path)

    def press(self, action: str, **fields: Any) -> requests.Response:
        """Send a form of the chat's page."""
        page = self.page()
        return self.browser.submit(page, action=f"{self.path}{action}/", **fields)

    def tell(self, text: str) -> dict[str, str]:
        """Say something as the agent and return the line that it becomes."""
        self.press("messages", text=text)
        return self.lines()[-1]

    def lines(self) -> list[dict[str, str]]:
        found: list[dict[str, str]] = self.bot.instance.table(
            "sys_cs_message", sysparm_query=f"interaction={self.interaction}"
        )
        return found


@pytest.fixture
def waiting(sandbox_instance: Instance, browser: Browser, receiver: Receiver) -> Chat:
    connect(sandbox_instance, url=receiver.url)
    browser.log_in(AGENT)
    return Chat(VirtualAgentBot(sandbox_instance, receiver), browser=browser)


@pytest.fixture
def chat(waiting: Chat) -> Chat:
    waiting.press("accept")
    return waiting


def texts(page: requests.Response) -> list[tuple[str, str]]:
    """Return role and text of each message that has a text, from the top."""
    pattern = r'data-role="(\w+)".*?<div class="message-text">(.*?)</div>'
    found = re.findall(pattern, page.text, re.DOTALL)
    return [(role, unescape(text)) for role, text in found]


def ticket(chat: Chat) -> str:
    """Return the chat's place in the list; "" where it has none."""
    pattern = rf'<article class="ticket" data-chat-id="{chat.interaction}".*?</article>'
    found = re.search(pattern, chat.browser.get("/desk/").text, re.DOTALL)
    return found[0] if found else ""


def test_chats_of_both_systems_wait_in_one_list(waiting, sandbox_instance):
    entry = sandbox_instance.start("By Connect Support")

    page = waiting.browser.get("/desk/")

    shown = re.findall(r'data-chat-id="(\w+)" data-chat-system="(\w+)"', page.text)
    assert (waiting.interaction, "agent_chat") in shown
    assert (entry["sys_id"], "connect_support") in shown


def test_a_waiting_chat_tells_who_and_since_when(waiting):
    shown = ticket(waiting)

    for text in ("Guest", "just came", QUESTION, "Support", f"{waiting.path}reject/"):
        assert text in shown


def test_what_was_said_before_the_handoff_is_marked(waiting):
    page = waiting.page()

    assert texts(page) == [("history", "Hello!"), ("requester", QUESTION)]
    messages = page.text[page.text.index("Before the handoff") :]
    assert messages.index("Hello!") < messages.index(">Handoff<")
    assert messages.index(">Handoff<") < messages.index(QUESTION)


def test_an_agents_face_is_where_its_bot_is_told(chat):
    info = chat.bot.told("OutputText")["agentInfo"]

    assert info["agentName"] == "Live Agent"
    assert info["agentAvatar"].endswith(".iix?t=small")
    assert requests.get(info["agentAvatar"], timeout=10).status_code == 200


def test_an_agents_text_is_sent_as_written(chat):
    # What a browser makes of a line break in a form.
    line = chat.tell(HARD.replace("\n", "\r\n"))

    assert chat.bot.told("OutputText", value=HARD)["messageId"] == line["sys_id"]
    assert f'data-message-id="{line["sys_id"]}"' in chat.page().text


def test_a_users_text_is_displayed_as_written(chat):
    chat.bot.say(HARD)

    assert eventually(lambda: chat.lines()[-1]["payload"] == HARD)
    assert texts(chat.page())[-1] == ("requester", HARD)


def test_an_agents_picture_is_shown_and_told_by_its_address(chat):
    chat.press("messages", file=("cat.png", PICTURE, "image/png"))

    address = chat.bot.told("OutputImage", altText="cat.png")["value"]
    assert requests.get(address, timeout=10).status_code == 401
    assert requests.get(address, auth=BOT, timeout=10).content == PICTURE
    shown = re.search(r'<img src="([^"]+)" alt="cat.png">', chat.page().text)
    assert chat.browser.get(shown[1]).content == PICTURE


def test_the_media_address_gives_out_no_other_files(chat, sandbox_instance):
    query = {
        "table_name": "live_group_profile",
        "table_sys_id": sandbox_instance.start()["group"],
        "file_name": "a.txt",
    }
    file = sandbox_instance.call(
        "POST", "/api/now/attachment/file", auth=BOT, params=query, data=b"a"
    ).json()["result"]

    path = f"/api/now/v1/cs/media/{file['sys_id']}"

    assert sandbox_instance.call("GET", path, auth=BOT).status_code == 404


def test_a_users_file_is_shown(chat, sandbox_instance):
    # Any file will do that this machine serves.
    url = f"{sandbox_instance.url}/static/desk/desk.css"
    file = {"contentType": "text/plain", "fileName": "notes.txt", "url": url}

    chat.bot.ask(message={"attachment": file})

    assert eventually(lambda: chat.lines()[-1]["attachment"])
    shown = re.search(r'href="([^"]+)" data-file-name="notes.txt"', chat.page().text)
    assert chat.browser.get(shown[1]).text == requests.get(url, timeout=10).text


def test_receipts_are_shown(chat):
    one, two = chat.tell("one")["sys_id"], chat.tell("two")["sys_id"]
    receipts = [
        {"id": one, "status": "sent_to_user"},
        {"id": two, "status": "external_error"},
    ]

    chat.bot.ask("UPDATE_MESSAGES", message=receipts)

    page = chat.page().text
    assert f'data-message-id="{one}" data-role="agent" data-delivery="sent"' in page
    assert f'data-message-id="{two}" data-role="agent" data-delivery="failed"' in page
    assert "Not delivered" in page


def test_a_user_who_types_is_seen_to(chat):
    assert "is typing" not in chat.page().text

    chat.bot.ask("TYPING")
    assert eventually(lambda: "Guest is typing…" in chat.page().text)

    chat.bot.ask("VIEWING")
    assert eventually(lambda: "is typing" not in chat.page().text)


def test_an_agents_typing_is_told(chat):
    assert chat.press("typing", typing="true").status_code == 204
    assert chat.bot.told("StartTypingIndicator")
    assert "EndTypingIndicator" not in str(chat.bot.parts)

    assert chat.press("typing", typing="false").status_code == 204
    assert chat.bot.told("EndTypingIndicator")


def test_typing_after_the_end_is_nobodys_business(chat):
    chat.press("end")

    assert chat.press("typing", typing="true").status_code == 204
    assert chat.bot.finished()
    assert "StartTypingIndicator" not in str(chat.bot.parts)


def test_a_rejected_chat_waits_no_more(waiting):
    answer = waiting.press("reject")

    assert answer.headers["Location"] == "/desk/"
    assert ticket(waiting) == ""
    assert waiting.bot.finished()


def test_a_chat_goes_on_in_another_queue(chat):
    assert f'<option value="{BILLING}">Billing</option>' in chat.page().text

    answer = chat.press("transfer", queue=BILLING)

    assert answer.headers["Location"] == "/desk/"
    assert "Billing" in ticket(chat)
    assert f"{chat.path}accept/" in ticket(chat)


@pytest.mark.parametrize("queue", ["nonsense", ""])
def test_a_chat_goes_to_no_queue_that_is_none(chat, queue):
    answer = chat.press("transfer", queue=queue)

    assert answer.status_code == 409
    assert "Choose one of the other queues" in answer.text


def test_an_ended_chat_is_shown_as_over(chat):
    chat.press("end")

    page = chat.page()
    closed = ("system", "Live Agent has closed the support session.")
    assert closed in texts(page)
    assert "Closed Complete: Agent Ended" in page.text
    assert "<textarea" not in page.text
    assert ticket(chat) == ""


def test_a_chat_that_its_user_left_is_shown_as_over(chat):
    chat.bot.ask("END_CONVERSATION")

    assert eventually(lambda: "User Ended" in chat.page().text)
    late = chat.press("messages", text="late")
    assert late.status_code == 400
    assert "This support session is closed" in late.text


def test_the_integration_user_may_read_what_it_wrote_where_it_is_let(chat):
    """As the product asks for it: by the interaction's conversation."""
    instance = chat.bot.instance
    chat.bot.say("Hello?")
    about = instance.get(f"/api/now/table/interaction/{chat.interaction}", auth=BOT)
    query = {
        "sysparm_query": f"conversation={about['channel_metadata_document']}"
        "^direction=inbound^ORDERBYsys_created_on",
        "sysparm_exclude_reference_link": "true",
    }

    def read() -> list[str]:
        rows = instance.get("/api/now/table/sys_cs_message", auth=BOT, **query)
        return [row["payload"] for row in rows]

    assert eventually(lambda: "Hello?" in read())
    instance.switch(va_records_readable=False)
    path = "/api/now/table/sys_cs_message"
    assert instance.call("GET", path, auth=BOT).status_code == 403
    instance.switch(va_records_readable=True)
