"""What a bot developer does at the Configurations page."""

import re

from playwright.sync_api import Locator, Page

from tests.browser.conftest import Demo


def open_new_bot(page: Page, demo: Demo) -> Page:
    """Come from the login to the page that adds a bot, by clicks alone."""
    page.goto(f"{demo.web}/admin/")
    page.get_by_label("Username").fill("admin")
    page.get_by_label("Password").fill(demo.password)
    page.get_by_role("button", name="Log in").click()
    page.get_by_role("link", name="Bots", exact=True).first.click()
    page.get_by_title("Add bot").click()
    # What is typed before a page is there is typed into nothing.
    page.wait_for_url("**/bot/add/")
    return page


def field(page: Page, label: str) -> Locator:
    """Find a field by its label, which ends in a star where it must be filled in."""
    return page.get_by_label(re.compile(rf"^{label}\s*\*?$"))


def visible(page: Page, *labels: str) -> list[str]:
    return [label for label in labels if field(page, label).is_visible()]
