"""The page of the switches, for people and without a script."""

from collections.abc import Iterator
from html.parser import HTMLParser
from typing import Any

import pytest
import requests

from tests.sandbox.faulty import open_chat
from tests.sandbox.instance import BOT, Browser, Instance

pytestmark = pytest.mark.real_http

SWITCHES = "/sandbox/api/switches"


class Fields(HTMLParser):
    """What a browser would send of the page's form, left as it is."""

    def __init__(self, page: requests.Response) -> None:
        super().__init__()
        self.values: dict[str, str] = {}
        self.select = ""
        self.feed(page.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "input" and (given["type"] != "checkbox" or "checked" in given):
            self.values[given["name"]] = given.get("value", "on")
        if tag == "select":
            self.select = given["name"]
        if tag == "option" and "selected" in given:
            self.values[self.select] = given["value"]


@pytest.fixture
def panel(browser: Browser, sandbox_instance: Instance) -> Iterator[Browser]:
    before = sandbox_instance.call("GET", SWITCHES).json()
    yield browser
    sandbox_instance.switch(**before)


def save(panel: Browser, **changes: str) -> requests.Response:
    page = panel.get("/sandbox/")
    fields: dict[str, Any] = Fields(page).values | changes
    return panel.submit(page, **fields)


def positions(instance: Instance) -> dict[str, object]:
    found: dict[str, object] = instance.call("GET", SWITCHES).json()
    return found


def test_home_leads_to_a_page_with_every_switch_and_what_it_does(
    panel, sandbox_instance
):
    assert 'href="/sandbox/"' in panel.get("/").text

    page = panel.get("/sandbox/").text

    for name in positions(sandbox_instance):
        assert f'name="{name}"' in page
        assert f'id="id_{name}_helptext"' in page


def test_saving_the_page_as_it_is_moves_nothing(panel, sandbox_instance):
    before = positions(sandbox_instance)

    assert save(panel).headers["Location"] == "/sandbox/?saved"

    assert positions(sandbox_instance) == before


def test_what_is_saved_is_true_at_once_and_can_be_put_back(panel, sandbox_instance):
    group = open_chat(sandbox_instance).group
    path = f"/api/now/connect/conversations/{group}/messages"
    before = positions(sandbox_instance)

    save(panel, fault_429="100", va_order="shuffled", va_survey="on")
    assert sandbox_instance.call("GET", path, auth=BOT).status_code == 429
    moved = positions(sandbox_instance)
    assert (moved["va_order"], moved["va_survey"]) == ("shuffled", True)
    assert "<code>fault_429</code> 1" in panel.get("/sandbox/").text

    save(panel, reset="yes")
    assert positions(sandbox_instance) == before


@pytest.mark.parametrize("rate", ["101", "-1", "many", ""])
def test_a_rate_that_is_none_saves_nothing_and_says_why(panel, sandbox_instance, rate):
    before = positions(sandbox_instance)

    answer = save(panel, fault_429=rate, fault_500_after="5")

    assert answer.status_code == 400
    assert "Nothing was saved" in answer.text
    assert positions(sandbox_instance) == before


def test_a_form_without_its_token_is_refused(sandbox_instance):
    answer = sandbox_instance.call("POST", "/sandbox/", data={"reset": "yes"})

    assert answer.status_code == 403


@pytest.mark.parametrize(
    "body",
    [
        {"fault_429": 101},
        {"fault_429": -1},
        {"fault_429": True},
        {"va_order": "backwards"},
        {"fault_500_after": 5, "fault_429": "5"},
    ],
)
def test_a_position_that_is_none_moves_nothing_by_api(sandbox_instance, body):
    before = positions(sandbox_instance)

    answer = sandbox_instance.call("POST", SWITCHES, json=body)

    assert answer.status_code == 400
    assert positions(sandbox_instance) == before
