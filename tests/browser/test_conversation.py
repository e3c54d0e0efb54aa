"""A user in the demo bot's chat page, an agent at the desk, and all in between."""

import pytest
from playwright.sync_api import Page, expect

from handoff.management.demo import desk, script
from tests.browser.conftest import Demo, NewPage

pytestmark = [pytest.mark.browser, pytest.mark.end_to_end]

SLOW = 20_000  # milliseconds: a poll of ServiceNow may lie in between


@pytest.fixture
def user(demo: Demo, new_page: NewPage) -> Page:
    """Somebody with whom the bot is talking."""
    page = new_page()
    page.goto(demo.bot)
    say(page, script.GREETING, box="Your message")
    expect(page.get_by_text(script.GREETING_ANSWER)).to_be_visible()
    return page


@pytest.fixture
def agent(demo: Demo, new_page: NewPage) -> Page:
    """Somebody at the desk, with no chat open yet."""
    page = new_page()
    page.goto(f"{demo.sandbox}/desk/")
    page.get_by_label("User name").fill(desk.AGENT)
    page.get_by_label("Password").fill(desk.PASSWORD)
    page.get_by_role("button", name="Log in").click()
    return page


def test_a_conversation_crosses_as_written_and_the_bot_resumes(user: Page, agent: Page):
    with_whom = user.locator("#status h1")
    say(user, script.QUESTION, box="Your message")
    expect(with_whom).to_have_text("Waiting for an agent", timeout=SLOW)
    agent.get_by_role("button", name="Accept").first.click(timeout=SLOW)
    expect(with_whom).to_have_text(desk.AGENT_NAME, timeout=SLOW)

    for from_user, from_agent in zip(script.FROM_USER, script.FROM_AGENT, strict=True):
        say(user, from_user, box="Your message")
        say(agent, from_agent, box="Message")
    await_last(user, script.FROM_AGENT[-1], role="agent")
    await_last(agent, script.FROM_USER[-1], role="requester")
    said_to_user = texts(user, role="agent")[-len(script.FROM_AGENT) :]
    assert said_to_user == list(script.FROM_AGENT)
    said_to_agent = texts(agent, role="requester")[-len(script.FROM_USER) :]
    assert said_to_agent == list(script.FROM_USER)

    agent.get_by_role("button", name="End chat").click()
    expect(with_whom).to_have_text("Bot", timeout=SLOW)
    say(user, script.LATER_QUESTION, box="Your message")
    expect(user.get_by_text(script.LATER_ANSWER)).to_be_visible()


def say(page: Page, text: str, *, box: str) -> None:
    """Write it and press Enter; what is typed next finds an empty box."""
    field = page.get_by_label(box, exact=True)
    field.fill(text)
    field.press("Enter")
    expect(field).to_have_value("")


def await_last(page: Page, text: str, *, role: str) -> None:
    newest = page.locator(f"[data-role={role}]").last
    expect(newest).to_contain_text(text, timeout=SLOW)


def texts(page: Page, *, role: str) -> list[str]:
    """Return the very characters that the page holds for each message."""
    messages = page.locator(f"[data-role={role}]").locator(".text, .message-text")
    return messages.all_text_contents()
