"""Incidents: created over the Table API, shown on the desk."""

from html import unescape
from typing import Any

import pytest

from tests.sandbox.instance import ADMIN, AGENT, BOT, Browser, Instance

pytestmark = pytest.mark.real_http

TABLE = "/api/now/table/incident"
SAID = "Nobody came.\n<b>me</b> & you"


def create(instance: Instance, **values: str) -> Any:
    body = {"short_description": "No agent", "description": SAID} | values
    return instance.call("POST", TABLE, auth=BOT, json=body)


def test_the_integration_user_creates_one_and_finds_it_by_its_own_name(
    sandbox_instance,
):
    made = create(sandbox_instance, correlation_id="h-1").json()["result"]

    query = {"sysparm_query": "correlation_id=h-1"}
    found = sandbox_instance.call("GET", TABLE, auth=BOT, params=query)

    assert made["number"].startswith("INC00")
    assert [row["sys_id"] for row in found.json()["result"]] == [made["sys_id"]]


def test_one_that_somebody_else_opened_is_left_out_without_a_word(sandbox_instance):
    body = {"correlation_id": "h-2"}
    sandbox_instance.call("POST", TABLE, auth=ADMIN, json=body)

    query = {"sysparm_query": "correlation_id=h-2"}
    found = sandbox_instance.call("GET", TABLE, auth=BOT, params=query)

    assert found.json()["result"] == []


def test_without_the_role_it_is_refused(sandbox_instance):
    sandbox_instance.switch(creates_incidents=False)
    answer = create(sandbox_instance)
    sandbox_instance.switch(creates_incidents=True)

    assert answer.status_code == 403
    assert "security constraints" in answer.json()["error"]["detail"]


def test_the_desk_lists_it_and_its_address_shows_it(
    sandbox_instance: Instance, browser: Browser
):
    made = create(sandbox_instance).json()["result"]
    browser.log_in(AGENT)
    address = f"/incident.do?sys_id={made['sys_id']}"

    assert address in browser.get("/desk/").text
    page = browser.get(address).text

    assert f"<h1>{made['number']}</h1>" in page
    assert SAID in unescape(page)
    assert "<b>me</b>" not in page


def test_an_incident_that_is_none_is_not_found(browser: Browser):
    browser.log_in(AGENT)

    assert browser.get("/incident.do?sys_id=1").status_code == 404
