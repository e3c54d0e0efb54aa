"""The chat page in a real browser: files, choices, typing, and what it may load."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Error,
    Page,
    expect,
)

from tests.sandbox.demo_bot import Agent
from tests.sandbox.demo_bot_product import PNG
from tests.sandbox.instance import eventually

pytestmark = [pytest.mark.real_http, pytest.mark.browser]

CHOICES = [{"label": "Yes", "value": "y"}, {"label": "No", "value": "n"}]


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    """A narrow page that fails the test when a script or its policy complains."""
    errors: list[Error] = []
    lines: list[ConsoleMessage] = []
    page = chromium.new_page(viewport={"width": 390, "height": 800})
    # Playwright marks its handlers, and a built-in method takes no mark.
    page.on("pageerror", lambda error: errors.append(error))  # noqa: PLW0108
    page.on("console", lambda line: lines.append(line))  # noqa: PLW0108
    yield page
    page.close()
    assert errors == []
    assert [line.text for line in lines if "Security Policy" in line.text] == []


@pytest.fixture
def agent(page: Page, bot, product) -> Agent:
    """An agent who has accepted the chat in the browser."""
    page.goto(bot.url)
    box = page.get_by_label("Your message", exact=True)
    box.fill("agent")
    box.press("Enter")
    start = eventually(lambda: product.calls)[0].body
    agent = Agent(bot=bot, start=start)
    agent.accept(avatar_url=f"{product.url}/ada.png")
    expect(page.locator("#status h1")).to_have_text("Ada Lovelace")
    return agent


def is_loaded(page: Page, selector: str) -> bool:
    return bool(
        page.eval_on_selector(selector, "img => img.complete && img.naturalWidth > 0")
    )


def test_a_picture_of_either_side_is_shown(page, agent, product, tmp_path):
    path = Path(tmp_path / "mine.png")
    path.write_bytes(PNG)
    page.get_by_label("Attach a file").set_input_files(path)
    expect(page.locator("#attached")).to_contain_text("mine.png")
    page.get_by_role("button", name="Send").click()
    expect(page.locator("#attached")).to_be_hidden()

    url = f"{product.url}/photo.png"
    file = {"file_name": "photo.png", "content_type": "image/png", "url": url}
    agent.say("Like this?", attachments=[file])
    for selector in (
        "[data-role=user] .picture img",
        "[data-role=agent] .picture img",
        "#status .avatar img",
    ):
        expect(page.locator(selector)).to_have_count(1)
        assert eventually(partial(is_loaded, page, selector))
    assert [upload.content for upload in product.uploads()] == [PNG]


def test_a_file_that_is_too_large_leaves_the_words(page, agent, product, tmp_path):
    path = Path(tmp_path / "big.bin")
    path.write_bytes(b"x" * (10 * 1024 * 1024 + 1))
    box = page.get_by_label("Your message", exact=True)
    box.fill("See this")
    page.get_by_label("Attach a file").set_input_files(path)
    box.press("Enter")

    expect(page.locator("#notice")).to_contain_text("10 MB is the most")
    expect(box).to_have_value("See this")
    page.get_by_role("button", name="Remove the file").click()
    expect(page.locator("#notice")).to_be_empty()
    box.press("Enter")
    expect(page.locator("[data-role=user] .text").last).to_have_text("See this")
    assert product.uploads() == []


def test_a_choice_is_taken_beside_a_draft(page, agent, product):
    agent.say("Did that help?", choices=CHOICES)
    box = page.get_by_label("Your message", exact=True)
    box.fill("A draft")
    page.get_by_role("button", name="Yes").press("Enter")

    expect(page.get_by_role("button", name="No")).to_be_disabled()
    expect(page.locator("[data-role=user] .text").last).to_have_text("Yes")
    expect(box).to_have_value("A draft")
    assert eventually(lambda: product.bodies(agent.messages_path))


def test_the_agent_is_told_of_typing_and_of_its_end(page, agent, product):
    path = agent.messages_path.replace("/messages", "/typing")
    box = page.get_by_label("Your message", exact=True)
    box.press_sequentially("Hello")
    assert eventually(lambda: product.bodies(path)) == [{"typing": True}]

    box.press("Enter")
    assert eventually(lambda: len(product.bodies(path)) == 2)
    assert product.bodies(path)[1] == {"typing": False}


def test_nobody_is_told_of_typing_while_the_bot_answers(page, bot, product):
    page.goto(bot.url)
    told = []
    page.on("request", lambda request: told.append(request.url))
    with page.expect_request("**/chat"):
        page.get_by_label("Your message", exact=True).press_sequentially("Hello")

    assert [url for url in told if url.endswith("/typing")] == []


def test_the_agents_typing_comes_and_goes(page, agent):
    agent.tell("typing.started", role="agent", sender=None)
    expect(page.locator("#typing")).to_have_text("Ada Lovelace is typing…")

    agent.say("Hello")
    expect(page.locator("#typing")).to_be_empty()


def test_nothing_is_wider_than_a_telephone(page, agent, product):
    url = f"{product.url}/photo.png"
    name = "a-very-long-name-without-any-space" * 4 + ".pdf"
    agent.say(
        "x" * 200,
        attachments=[{"file_name": name, "content_type": "", "url": url}],
        links=[{"label": "", "url": f"https://shop.example/{'y' * 200}"}],
        choices=[{"label": "z" * 120, "value": "z"}],
    )
    expect(page.locator(".choice")).to_have_count(1)

    width = "document.querySelector('#messages').scrollWidth"
    assert page.evaluate(width) <= 390


def test_the_last_words_stay_in_sight_when_a_keyboard_comes_up(page, agent):
    for n in range(12):
        agent.say(f"Word {n}")
    agent.say("The last words")
    expect(page.get_by_text("The last words")).to_be_in_viewport()
    page.set_viewport_size({"width": 390, "height": 400})
    expect(page.get_by_text("The last words")).to_be_in_viewport()

    page.locator("#messages").hover()
    page.mouse.wheel(0, -500)
    expect(page.get_by_text("The last words")).not_to_be_in_viewport()
    agent.say("More words")
    expect(page.get_by_text("More words")).to_be_attached()
    expect(page.get_by_text("More words")).not_to_be_in_viewport()


def test_the_page_itself_does_not_scroll(page, agent):
    box = page.get_by_label("Your message", exact=True)
    for n in range(15):
        box.fill(f"Word {n}")
        box.press("Enter")
    expect(page.locator("[data-role=user]")).to_have_count(16)

    assert page.evaluate("document.documentElement.scrollHeight") <= 800


def test_a_picture_that_is_gone_is_asked_for_once(page, agent, product):
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    url = f"{product.url}/gone"
    file = {"file_name": "chair.png", "content_type": "image/png", "url": url}
    agent.say("", attachments=[file])
    expect(page.get_by_alt_text("chair.png")).to_have_count(1)
    for _ in range(2):
        page.wait_for_event("response", lambda answer: answer.url.endswith("/chat"))

    assert asked.count(url) == 1
