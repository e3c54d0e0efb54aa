"""A user in the demo bot's chat page, an agent at the desk, and all in between."""

import pytest
from playwright.sync_api import Page, expect

from handoff.management.demo import desk, script
from tests.browser.chatting import (
    SLOW,
    THEIRS,
    YOURS,
    attach,
    expect_loaded,
    file_link,
    greet,
    log_in,
    say,
    with_whom,
)
from tests.browser.conftest import Demo, NewPage

pytestmark = [pytest.mark.browser, pytest.mark.end_to_end]

FROM_USER = [said for said in script.FROM_USER if isinstance(said, str)]
FROM_AGENT = [said for said in script.FROM_AGENT if isinstance(said, str)]


@pytest.fixture
def user(demo: Demo, new_page: NewPage) -> Page:
    return greet(new_page(), demo.bot)


@pytest.fixture
def agent(demo: Demo, new_page: NewPage) -> Page:
    return log_in(new_page(), demo)


def test_a_conversation_crosses_as_written_and_the_bot_resumes(user: Page, agent: Page):
    say(user, script.QUESTION, box=YOURS)
    expect(with_whom(user)).to_have_text("Waiting for an agent", timeout=SLOW)
    agent.get_by_role("button", name="Accept").first.click(timeout=SLOW)
    expect(with_whom(user)).to_have_text(desk.AGENT_NAME, timeout=SLOW)

    for from_user, from_agent in zip(FROM_USER, FROM_AGENT, strict=True):
        say(user, from_user, box=YOURS)
        say(agent, from_agent, box=THEIRS)
    await_last(user, FROM_AGENT[-1], role="agent")
    await_last(agent, FROM_USER[-1], role="requester")
    assert texts(user, role="agent")[-len(FROM_AGENT) :] == FROM_AGENT
    assert texts(agent, role="requester")[-len(FROM_USER) :] == FROM_USER

    attach(user, script.NOTE, box=YOURS)
    expect(file_link(agent, script.NOTE)).to_be_visible(timeout=SLOW)
    attach(agent, script.PICTURE, box=THEIRS)
    expect_loaded(user.get_by_alt_text(script.PICTURE.name))

    agent.get_by_role("button", name="End chat").click()
    expect(with_whom(user)).to_have_text("Bot", timeout=SLOW)
    say(user, script.LATER_QUESTION, box=YOURS)
    expect(user.get_by_text(script.LATER_ANSWER)).to_be_visible()


def await_last(page: Page, text: str, *, role: str) -> None:
    newest = page.locator(f"[data-role={role}]").last
    expect(newest).to_contain_text(text, timeout=SLOW)


def texts(page: Page, *, role: str) -> list[str]:
    """Return the very characters that the page holds for each message."""
    messages = page.locator(f"[data-role={role}]").locator(".text, .message-text")
    return messages.all_text_contents()
