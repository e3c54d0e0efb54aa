"""The agent's desk, judged by what it displays."""

from dataclasses import dataclass
from html.parser import HTMLParser

import pytest
import requests

from tests.sandbox.instance import AGENT, BOT, QUEUE, Browser, Instance

pytestmark = pytest.mark.real_http

AS_WRITTEN = [
    "She said \"no\" and 'yes' \\ /",
    "one\ntwo\n\n  three\ttab",
    "👩🏽‍💻 naïve 漢字",
    "<b>bold</b> & &amp; <script>alert(1)</script>",
    "$1 ${2} {{ x }} {% y %}",
    "\n leading line, trailing spaces  ",
    "ö" * 3_900,
]


@dataclass
class Shown:
    sys_id: str
    role: str
    text: str = ""


class Messages(HTMLParser):
    """Reads what a page displays: each message's text as a browser would show it."""

    def __init__(self, page: requests.Response) -> None:
        super().__init__()
        self.shown: list[Shown] = []
        self.inside = False
        self.feed(page.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if "data-message-id" in given:
            self.shown.append(Shown(given["data-message-id"], given["data-role"]))
        self.inside = given.get("class") == "message-text"

    def handle_endtag(self, tag: str) -> None:
        self.inside = False

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.shown[-1].text += data


def texts(page: requests.Response) -> list[str]:
    return [message.text for message in Messages(page).shown]


@pytest.fixture
def agent(browser: Browser) -> Browser:
    browser.log_in(AGENT)
    return browser


def open_chat(instance: Instance, agent: Browser) -> tuple[str, str]:
    """Start a chat and accept it on the desk; return its page and its conversation."""
    entry = instance.start()
    chat = f"/desk/chats/{entry['sys_id']}/"
    answer = agent.submit(agent.get("/desk/"), action=f"{chat}accept/")
    assert answer.headers["Location"] == chat
    return chat, entry["group"]


def test_the_front_page_leads_to_the_desk(browser):
    assert 'href="/desk/"' in browser.get("/").text


def test_the_desk_asks_who_one_is(browser):
    page = browser.get("/desk/")

    assert page.url.endswith("/login.do?next=%2Fdesk%2F")


def test_a_waiting_chat_is_listed_and_taken(sandbox_instance, agent):
    entry = sandbox_instance.start("Where is my order?")
    chat = f"/desk/chats/{entry['sys_id']}/"

    page = agent.get("/desk/")
    assert f'data-chat-id="{entry["sys_id"]}"' in page.text
    assert "Where is my order?" in page.text
    agent.submit(page, action=f"{chat}accept/")

    assert sandbox_instance.entry(entry["group"])["state"] == 2
    assert texts(agent.get(chat)) == [
        "Where is my order?",
        "Hello, thank you for waiting. How can I help you?",
    ]


@pytest.mark.parametrize("text", AS_WRITTEN)
def test_a_users_text_is_displayed_as_written(sandbox_instance, agent, text):
    chat, group = open_chat(sandbox_instance, agent)

    message = sandbox_instance.say(group, text, auth=BOT)

    newest = Messages(agent.get(chat)).shown[-1]
    assert newest == Shown(message["sys_id"], "requester", text)
    assert Messages(agent.get(f"{chat}messages/")).shown[-1] == newest


@pytest.mark.parametrize("text", AS_WRITTEN)
def test_an_agents_text_is_sent_as_written(sandbox_instance, agent, text):
    chat, group = open_chat(sandbox_instance, agent)

    # What a browser makes of a line break in a form.
    typed = text.replace("\n", "\r\n")
    answer = agent.submit(agent.get(chat), action=f"{chat}messages/", text=typed)

    assert answer.headers["Location"] == chat
    newest = sandbox_instance.messages(group)[0]
    assert (newest["message"], newest["created_by"]) == (text, "agent")
    assert Messages(agent.get(chat)).shown[-1].role == "agent"


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (" \n ", "Write something first"),
        ("x" * 4_001, "A message has at most 4000 characters"),
    ],
)
def test_a_text_that_cannot_be_sent_stays_in_the_box(
    sandbox_instance, agent, text, problem
):
    chat, group = open_chat(sandbox_instance, agent)

    answer = agent.submit(agent.get(chat), action=f"{chat}messages/", text=text)

    assert answer.status_code == 400
    assert problem in answer.text
    assert f">\n{text}</textarea>" in answer.text
    assert len(sandbox_instance.messages(group)) == 2


def test_ending_a_chat_tells_its_user(sandbox_instance, agent):
    chat, group = open_chat(sandbox_instance, agent)

    agent.submit(agent.get(chat), action=f"{chat}end/")

    assert sandbox_instance.entry(group)["state"] == 3
    page = agent.get(chat)
    assert texts(page)[-1] == "Live Agent has closed the support session"
    assert "<textarea" not in page.text
    late = agent.submit(agent.get("/desk/"), action=f"{chat}messages/", text="late")
    assert late.status_code == 400
    assert "This support session is closed" in late.text


def test_a_chat_that_was_left_can_still_be_closed(sandbox_instance, agent):
    chat, group = open_chat(sandbox_instance, agent)
    sandbox_instance.act(group, "leave", auth=BOT)

    page = agent.get(chat)
    assert "Closed by Client" in page.text
    agent.submit(page, action=f"{chat}end/")

    assert sandbox_instance.entry(group)["state"] == 3


def test_a_chat_is_taken_once(sandbox_instance, agent):
    chat, _ = open_chat(sandbox_instance, agent)

    again = agent.submit(agent.get("/desk/"), action=f"{chat}accept/")

    assert again.status_code == 409
    assert "Somebody else has taken this chat" in again.text


def test_a_chat_goes_on_in_another_queue(sandbox_instance, agent):
    (group,) = sandbox_instance.table("sys_user_group")
    billing = sandbox_instance.create(
        "chat_queue", name="Billing", assignment_group=group["sys_id"]
    )
    chat, group_id = open_chat(sandbox_instance, agent)

    page = agent.get(chat)
    assert f'<option value="{billing["sys_id"]}">Billing</option>' in page.text
    agent.submit(page, action=f"{chat}transfer/", queue=billing["sys_id"])

    entry = sandbox_instance.entry(group_id)
    assert (entry["state"], entry["queue"]) == (1, billing["sys_id"])
    assert f"/desk/chats/{entry['sys_id']}/accept/" in agent.get("/desk/").text


def test_connect_support_knows_no_rejection_and_no_typing(sandbox_instance, agent):
    entry = sandbox_instance.start()
    chat = f"/desk/chats/{entry['sys_id']}/"

    refused = agent.submit(agent.get(chat), action=f"{chat}reject/")

    assert refused.status_code == 409
    assert "Connect Support lets nobody reject a chat" in refused.text
    assert sandbox_instance.entry(entry["group"])["state"] == 1
    assert "reject/" not in agent.get(chat).text
    assert "data-typing" not in agent.get(chat).text


def test_other_queues_chats_are_not_to_be_seen(sandbox_instance, agent):
    queue = sandbox_instance.create("chat_queue", name="Elsewhere")["sys_id"]
    path = f"/api/now/connect/support/queues/{queue}/sessions"
    entry = sandbox_instance.post(path, auth=BOT, message="Not for this desk")

    assert "Not for this desk" not in agent.get("/desk/").text
    assert agent.get(f"/desk/chats/{entry['sys_id']}/").status_code == 404
    assert queue != QUEUE


def test_a_form_of_another_site_sends_nothing(sandbox_instance, agent):
    chat, group = open_chat(sandbox_instance, agent)

    forged = agent.session.post(
        f"{agent.url}{chat}messages/", data={"text": "forged"}, timeout=10
    )

    assert forged.status_code == 403
    assert len(sandbox_instance.messages(group)) == 2


def test_a_page_takes_scripts_from_this_server_only(agent):
    page = agent.get("/desk/")

    assert "default-src 'self'" in page.headers["Content-Security-Policy"]
    assert page.headers["X-Frame-Options"] == "DENY"
    assert "<script src=" in page.text
    assert "<script>" not in page.text
    assert agent.get("/static/desk/desk.js").status_code == 200
    assert agent.get("/static/desk/desk.css").status_code == 200


def test_logging_out_closes_the_desk(agent):
    agent.submit(agent.get("/desk/"), action="/logout.do")

    assert "/login.do" in agent.get("/desk/").url


def test_an_integration_user_is_told_why_the_desk_is_not_for_it(browser):
    browser.log_in(BOT)

    page = browser.get("/desk/")

    assert page.status_code == 403
    assert "You are logged in as Chatbot Interface, who is no agent" in page.text
    action = "/login.do?next=%2Fdesk%2F"
    browser.submit(page, action=action, user_name=AGENT[0], user_password=AGENT[1])
    assert browser.get("/desk/").status_code == 200
