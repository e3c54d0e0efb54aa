"""A bot developer chooses the chat system, and sees what belongs to it."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.configuring import field, open_new_bot, visible
from tests.browser.conftest import Demo, NewPage

pytestmark = [pytest.mark.browser, pytest.mark.end_to_end]

CONNECT_SUPPORT = "Connect Support (Tokyo and lower)"
AGENT_CHAT = "Agent Chat (Utah and higher)"
OF_AGENT_CHAT = [
    "Start of a conversation",
    "Inbound Id",
    "Message authentication",
    "Choice of the queue",
    "Context variable",
    "Longest wait for ServiceNow's answer",
    "Relay the virtual agent",
    "Relay the survey",
]
SECRET = "Message authentication secret"


@pytest.fixture
def page(demo: Demo, new_page: NewPage) -> Page:
    return open_new_bot(new_page(), demo)


def test_the_fields_of_a_chat_system_come_and_go_with_it(page: Page):
    section = page.get_by_role("heading", name="Agent Chat", exact=True)
    signed = page.locator("option", has_text="Signed (recommended)")
    labels = [*OF_AGENT_CHAT, "Accept existing rules"]

    field(page, "Chat system").select_option(AGENT_CHAT)
    expect(section).to_be_visible()
    assert visible(page, *labels) == OF_AGENT_CHAT
    expect(signed).to_have_js_property("hidden", True)

    field(page, "Chat system").select_option(CONNECT_SUPPORT)
    expect(section).to_be_hidden()
    assert visible(page, *labels) == ["Accept existing rules"]
    expect(signed).to_have_js_property("hidden", False)


def test_a_field_that_depends_on_two_choices_needs_both(page: Page):
    field(page, "Chat system").select_option(AGENT_CHAT)
    expect(field(page, SECRET)).to_be_hidden()
    field(page, "Message authentication").select_option("Static token")
    expect(field(page, SECRET)).to_be_visible()
    expect(page.get_by_text("The token in the record")).to_be_visible()

    field(page, "Choice of the queue").select_option("By the AWA Routing API")
    expect(field(page, "Context variable")).to_be_hidden()
    expect(page.get_by_text("The sys_id of the queue, in Advanced")).to_be_visible()

    field(page, "Chat system").select_option(CONNECT_SUPPORT)
    expect(field(page, SECRET)).to_be_hidden()


def test_a_bot_of_agent_chat_is_saved_and_shown_as_it_was_typed(page: Page):
    field(page, "Name").press_sequentially("Returns bot")
    field(page, "Chat system").select_option(AGENT_CHAT)
    field(page, "Inbound Id").fill("returns_bot")
    field(page, "Message authentication").select_option("Hash (HMAC)")
    field(page, "Queue ID").fill("Returns_EU")
    field(page, "Relay the survey").check()
    page.get_by_text("What Agent Chat's texts mean").click()
    field(page, "Closed").fill("has left\nis gone")
    field(page, "Types of files").fill("image/*")
    page.get_by_role("button", name="Save").last.click()
    expect(page.get_by_text("Message authentication needs it.")).to_be_visible()

    field(page, SECRET).fill("the secret of the instance")
    page.get_by_role("button", name="Save").last.click()
    expect(page.get_by_text("as the header X-Handoff-Secret")).to_be_visible()
    page.get_by_role("link", name="Back to Returns bot").click()

    expect(field(page, "Inbound Id")).to_have_value("returns_bot")
    expect(field(page, "Queue ID")).to_have_value("Returns_EU")
    expect(field(page, "Relay the survey")).to_be_checked()
    expect(field(page, SECRET)).to_have_value("")
    kept = re.compile(r"hash_message_verification\.\s+Set .* fingerprint")
    expect(page.get_by_text(kept)).to_be_visible()
    page.get_by_text("What Agent Chat's texts mean").click()
    expect(field(page, "Closed")).to_have_value("has left\nis gone")
    expect(field(page, "Types of files")).to_have_value("image/*")


def test_the_page_fits_a_telephone(page: Page):
    page.set_viewport_size({"width": 390, "height": 844})
    field(page, "Chat system").select_option(AGENT_CHAT)
    page.get_by_text("What Agent Chat's texts mean").click()
    expect(field(page, "No agent")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
