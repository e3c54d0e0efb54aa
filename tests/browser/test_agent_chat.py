"""A whole conversation over Agent Chat, as its user and its agent see it."""

from collections.abc import Callable
from pathlib import Path

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

SIZES = {"desktop": (1280, 800), "phone": (390, 844)}

Photograph = Callable[[Page, str], None]


@pytest.fixture
def user(demo: Demo, new_page: NewPage) -> Page:
    return greet(new_page(), demo.second_bot)


@pytest.fixture
def agent(demo: Demo, new_page: NewPage) -> Page:
    return log_in(new_page(), demo)


@pytest.fixture
def photograph(tmp_path: Path) -> Photograph:
    """Keep how a page looks in each size; no size may make it scroll sideways."""

    def take(page: Page, name: str) -> None:
        for size, (width, height) in SIZES.items():
            page.set_viewport_size({"width": width, "height": height})
            page.screenshot(path=tmp_path / f"{name}-{size}.png")
            reach = page.evaluate("document.documentElement.scrollWidth")
            assert reach <= width, f"{name}, {size}"

    return take


@pytest.fixture
def waiting(user: Page) -> Page:
    """The user's page while nobody has accepted yet."""
    say(user, script.QUESTION, box=YOURS)
    expect(with_whom(user)).to_have_text("Waiting for an agent", timeout=SLOW)
    return user


@pytest.fixture
def talking(waiting: Page, agent: Page) -> Page:
    """The user's page once the agent has accepted and greeted."""
    agent.get_by_role("button", name="Accept").first.click(timeout=SLOW)
    expect(with_whom(waiting)).to_have_text(desk.AGENT_NAME, timeout=SLOW)
    expect(waiting.locator("[data-role=agent]")).to_be_visible(timeout=SLOW)
    return waiting


def test_the_wait_is_told_and_need_not_be_borne(
    waiting: Page, agent: Page, photograph: Photograph
):
    expect(waiting.locator("#status p")).to_contain_text("1 Minute", timeout=SLOW)
    expect(agent.get_by_role("button", name="Accept")).to_be_visible(timeout=SLOW)
    photograph(waiting, "waiting")
    photograph(agent, "waiting-at-the-desk")

    waiting.get_by_role("button", name="End chat").click()
    expect(with_whom(waiting)).to_have_text("Bot", timeout=SLOW)
    expect(agent.get_by_text("Nobody is waiting.")).to_be_visible(timeout=SLOW)


def test_the_agent_has_a_name_and_a_face_and_knows_what_was_said(
    talking: Page, agent: Page, photograph: Photograph
):
    expect_loaded(talking.locator("#status img"))
    history = agent.locator("[data-role=history]")
    expect(history.last).to_contain_text(script.GREETING_ANSWER)
    photograph(talking, "accepted")
    photograph(agent, "accepted-at-the-desk")


def test_each_sees_the_other_one_type(
    talking: Page, agent: Page, photograph: Photograph
):
    talking.get_by_label(YOURS, exact=True).press_sequentially("It is order")
    expect(agent.get_by_text("Guest is typing")).to_be_visible(timeout=SLOW)
    photograph(agent, "typing-at-the-desk")

    agent.get_by_label(THEIRS, exact=True).press_sequentially("Let me")
    expect(talking.get_by_text("Live Agent is typing")).to_be_visible(timeout=SLOW)
    photograph(talking, "typing")


def test_files_cross(talking: Page, agent: Page, photograph: Photograph):
    attach(talking, script.NOTE, box=YOURS)
    expect(file_link(agent, script.NOTE)).to_be_visible(timeout=SLOW)
    attach(agent, script.PICTURE, box=THEIRS)
    expect_loaded(talking.get_by_alt_text(script.PICTURE.name))

    photograph(talking, "files")
    photograph(agent, "files-at-the-desk")


def test_the_user_is_asked_how_it_was_before_the_bot_resumes(
    talking: Page, agent: Page, photograph: Photograph
):
    agent.get_by_role("button", name="End chat").click()
    choice = talking.get_by_role("group", name="Choices").get_by_role("button").first
    expect(choice).to_be_visible(timeout=SLOW)
    photograph(talking, "choices")

    choice.click()
    expect(talking.get_by_text(script.THANKS)).to_be_visible(timeout=SLOW)
    expect(choice).to_be_disabled()
    expect(with_whom(talking)).to_have_text("Bot", timeout=SLOW)
    photograph(talking, "ended")
    photograph(agent, "ended-at-the-desk")
