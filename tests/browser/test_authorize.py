"""A bot developer fills in the Configurations page and authorizes it."""

import pytest
from playwright.sync_api import Page, expect

from handoff.management.demo import servicenow_side
from handoff.management.demo.servicenow_side import (
    INTEGRATION_PASSWORD,
    INTEGRATION_USER,
)
from tests.browser.configuring import field, open_new_bot, visible
from tests.browser.conftest import Demo, NewPage

pytestmark = [pytest.mark.browser, pytest.mark.end_to_end]


@pytest.fixture
def page(demo: Demo, new_page: NewPage) -> Page:
    return open_new_bot(new_page(), demo)


@pytest.fixture
def consent(page: Page, demo: Demo) -> Page:
    """The page of ServiceNow that asks whether the bot just typed in may act."""
    administrator = servicenow_side.Administrator(instance=demo.sandbox)
    redirect_url = page.locator("code", has_text="/oauth/callback/").inner_text()
    application = servicenow_side.register_application(
        administrator, redirect_url=redirect_url
    )
    queue_id = servicenow_side.queue_id(administrator)
    administrator.session.close()

    field(page, "Name").press_sequentially("Parcel bot")
    expect(field(page, "Slug")).to_have_value("parcel-bot")
    field(page, "Host URL").fill(f"{demo.sandbox}/now/nav/ui/home")
    field(page, "Authorization Type").select_option("OAuth with Refresh Token")
    field(page, "Client ID").fill(application.client_id)
    field(page, "Client Secret").fill(application.client_secret)
    field(page, "Queue ID").fill(queue_id)
    page.get_by_role("button", name="Authorize").click()
    page.get_by_role("link", name="Continue to ServiceNow").click()
    page.get_by_label("User name").fill(INTEGRATION_USER)
    page.get_by_label("Password").fill(INTEGRATION_PASSWORD)
    page.get_by_role("button", name="Log in").click()
    return page


def test_only_the_fields_of_the_chosen_authorization_type_are_shown(page: Page):
    basic = ["User Name", "Password"]
    oauth = ["Client ID", "Client Secret", "Refresh Token"]
    authorize = page.get_by_role("button", name="Authorize")

    field(page, "Authorization Type").select_option("Basic Auth")
    expect(authorize).to_be_hidden()
    assert visible(page, *basic, *oauth) == basic

    field(page, "Authorization Type").select_option("OAuth with Refresh Token")
    expect(authorize).to_be_visible()
    assert visible(page, *basic, *oauth) == oauth


def test_denying_is_told_and_allowing_makes_the_bot_ready(consent: Page, demo: Demo):
    consent.get_by_role("button", name="Deny").click()
    status = consent.locator("#status-line")
    expect(consent.get_by_text("Access was denied in ServiceNow.")).to_be_visible()
    expect(status).to_contain_text("Not authorized")

    consent.get_by_role("button", name="Authorize").click()
    consent.get_by_role("button", name="Allow").click()
    expect(consent.get_by_text("Authorized, connected as")).to_be_visible()
    expect(status).to_have_text("Ready, connected as chatbot.interface")
    expect(field(consent, "Host URL")).to_have_value(demo.sandbox)
    expect(field(consent, "Client Secret")).to_have_value("")
