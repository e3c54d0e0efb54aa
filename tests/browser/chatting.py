"""What users and agents do in their pages."""

from playwright.sync_api import Locator, Page, expect

from handoff.management.demo import desk, script
from handoff.management.demo.files import File
from tests.browser.conftest import Demo

SLOW = 20_000  # milliseconds: a poll of ServiceNow may lie in between
YOURS, THEIRS = "Your message", "Message"


def greet(page: Page, bot: str) -> Page:
    """Let somebody open a demo bot's page and talk to the bot."""
    page.goto(bot)
    say(page, script.GREETING, box=YOURS)
    expect(page.get_by_text(script.GREETING_ANSWER)).to_be_visible()
    return page


def log_in(page: Page, demo: Demo) -> Page:
    """Let somebody come to the desk, with no chat open yet."""
    page.goto(f"{demo.sandbox}/desk/")
    page.get_by_label("User name").fill(desk.AGENT)
    page.get_by_label("Password").fill(desk.PASSWORD)
    page.get_by_role("button", name="Log in").click()
    return page


def say(page: Page, text: str, *, box: str) -> None:
    """Write it and press Enter; what is typed next finds an empty box."""
    field = page.get_by_label(box, exact=True)
    field.fill(text)
    field.press("Enter")
    expect(field).to_have_value("")


def attach(page: Page, file: File, *, box: str) -> None:
    """Choose the file and press Enter in the empty box, which sends it alone."""
    chosen = page.get_by_label("Attach a file", exact=True)
    chosen.set_input_files(
        {"name": file.name, "mimeType": file.content_type, "buffer": file.content}
    )
    page.get_by_label(box, exact=True).press("Enter")
    expect(chosen).to_have_js_property("value", "")


def with_whom(page: Page) -> Locator:
    """Find the name at the head of a demo bot's page."""
    return page.locator("#status h1")


def file_link(page: Page, file: File) -> Locator:
    return page.locator(f'[data-file-name="{file.name}"]')


def expect_loaded(picture: Locator, *, width: int | None = None) -> None:
    """Wait until the picture is there, and not only its place."""
    expect(picture).to_have_js_property("complete", value=True, timeout=SLOW)
    shown = picture.evaluate("image => image.naturalWidth")
    assert shown == width if width else shown
