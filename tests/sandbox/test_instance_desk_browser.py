"""The desk in a real browser: keys, live refresh, nothing that its policy forbids."""

import base64
from collections.abc import Iterator

import pytest
from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Error,
    Page,
    expect,
)

from tests.sandbox.instance import AGENT, BOT, Instance
from tests.sandbox.receiver import Receiver
from tests.sandbox.virtual_agent import VirtualAgentBot, connect

pytestmark = [pytest.mark.real_http, pytest.mark.browser]

# The smallest picture there is.
DOT = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A page that fails the test when a script or the page's policy complains."""
    errors: list[Error] = []
    lines: list[ConsoleMessage] = []
    page = chromium.new_page()
    # Playwright marks its handlers, and a built-in method takes no mark.
    page.on("pageerror", lambda error: errors.append(error))  # noqa: PLW0108
    page.on("console", lambda line: lines.append(line))  # noqa: PLW0108
    yield page
    page.close()
    assert errors == []
    assert [line.text for line in lines if "Security Policy" in line.text] == []


@pytest.fixture
def group(page: Page, sandbox_instance: Instance) -> str:
    """A chat that the agent has just accepted in the browser; its conversation."""
    entry = sandbox_instance.start("Where is my order?")
    accept(page, f"{sandbox_instance.url}/desk/chats/{entry['sys_id']}/")
    return str(entry["group"])


@pytest.fixture
def bot(page: Page, sandbox_instance: Instance, receiver: Receiver) -> VirtualAgentBot:
    """The bot of an Agent Chat that the agent has just accepted in the browser."""
    connect(sandbox_instance, url=receiver.url)
    bot = VirtualAgentBot(sandbox_instance, receiver)
    accept(page, f"{sandbox_instance.url}/desk/chats/{bot.start()}/")
    return bot


def accept(page: Page, address: str) -> None:
    """Log in on the way to a chat that waits, and take it."""
    page.goto(address)
    page.get_by_label("User name").fill(AGENT[0])
    page.get_by_label("Password").fill(AGENT[1])
    page.get_by_role("button", name="Log in").click()
    page.locator(".chat-head").get_by_role("button", name="Accept").click()


def test_enter_sends_and_shift_enter_breaks_the_line(page, group, sandbox_instance):
    box = page.get_by_label("Message", exact=True)
    expect(box).to_be_focused()
    page.keyboard.type("one")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type('<b>two</b> & "$1"')
    page.keyboard.press("Enter")

    text = 'one\n<b>two</b> & "$1"'
    newest = page.locator(".message-text").last
    expect(newest).to_have_text(text, use_inner_text=True)
    assert sandbox_instance.messages(group)[0]["message"] == text
    expect(box).to_have_value("")
    expect(box).to_be_focused()


def test_what_the_user_says_appears_beside_a_draft(page, group, sandbox_instance):
    box = page.get_by_label("Message", exact=True)
    box.fill("A draft")

    sandbox_instance.say(group, "Are you there?", auth=BOT)

    newest = page.locator(".message-text").last
    expect(newest).to_have_text("Are you there?")
    expect(box).to_have_value("A draft")


def test_the_page_follows_the_chat_to_its_end(page, group, sandbox_instance):
    sandbox_instance.act(group, "leave", auth=BOT)
    expect(page.locator(".chat-state")).to_have_text("Closed by Client")
    expect(page.get_by_label("Message", exact=True)).to_have_count(0)

    page.get_by_role("button", name="End chat").click()

    closed = page.locator(".message-system .message-text")
    expect(closed).to_have_text("Live Agent has closed the support session")
    assert sandbox_instance.entry(group)["state"] == 3


def test_a_message_that_could_not_be_sent_stays_in_the_box(page, group):
    box = page.get_by_label("Message", exact=True)
    page.context.set_offline(True)
    box.fill("Do not lose me")
    box.press("Enter")

    expect(page.get_by_role("alert")).to_have_text(
        "The message was not sent. Try again."
    )
    expect(box).to_have_value("Do not lose me")


def test_a_chosen_picture_is_sent_and_seen(page, bot):
    page.get_by_label("Attach a file").set_input_files(
        {"name": "dot.gif", "mimeType": "image/gif", "buffer": DOT}
    )
    page.get_by_role("button", name="Send").click()

    picture = page.get_by_role("img", name="dot.gif")
    expect(picture).to_be_in_viewport()
    assert picture.evaluate("image => image.naturalWidth") == 1
    expect(page.get_by_label("Attach a file")).to_have_value("")
    assert bot.told("OutputImage", altText="dot.gif")


def test_typing_is_told_once_until_the_message_is_sent(page, bot):
    page.get_by_label("Message", exact=True).press_sequentially("Hello")
    assert bot.told("StartTypingIndicator")

    page.keyboard.press("Enter")

    assert bot.told("OutputText", value="Hello")
    kinds = [part.get("actionType") for part in bot.parts]
    assert kinds.count("StartTypingIndicator") == 1
    assert bot.told("EndTypingIndicator")


def test_a_user_who_types_is_seen_without_a_reload(page, bot):
    bot.ask("TYPING")
    expect(page.get_by_text("Guest is typing…")).to_be_visible()

    bot.say("Here I am")
    expect(page.get_by_text("Guest is typing…")).to_have_count(0)
    expect(page.locator(".message-text").last).to_have_text("Here I am")


def test_a_chat_is_transferred_by_keyboard(page, bot):
    page.get_by_text("Transfer", exact=True).first.press("Enter")
    page.get_by_label("To the queue").select_option("Billing")
    page.get_by_label("To the queue").press("Tab")
    page.keyboard.press("Enter")

    waiting = page.locator("[data-waiting][data-chat-system=agent_chat]")
    expect(waiting).to_contain_text("Billing")
