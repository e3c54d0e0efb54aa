"""The instance's consent page: who sees it, and where its answer leads."""

from urllib.parse import urlsplit

import pytest

from tests.sandbox.instance import BOT
from tests.sandbox.oauth import REDIRECT, decide

pytestmark = pytest.mark.real_http


def test_somebody_who_is_not_logged_in_logs_in_first(browser, application):
    page = browser.get(application.authorize_path())

    assert urlsplit(page.url).path == "/login.do"
    wrong = browser.submit(page, user_name=BOT[0], user_password="wrong")
    assert wrong.status_code == 401
    assert "User name or password invalid" in wrong.text


def test_a_login_does_not_lead_to_another_site(browser):
    page = browser.get("/login.do?next=https://elsewhere.example/")

    answer = browser.submit(page, user_name=BOT[0], user_password=BOT[1])

    assert answer.headers["Location"] == "/desk/"


def test_a_consent_without_the_forms_token_is_refused(browser, application):
    browser.log_in(BOT, then=application.authorize_path())

    answer = browser.session.post(
        browser.url + application.authorize_path(),
        data={"decision": "allow"},
        timeout=10,
    )

    assert answer.status_code == 403


def test_a_consent_can_be_given_as_somebody_else(browser, application):
    path = application.authorize_path()
    browser.log_in(("agent", "agent"), then=path)
    page = browser.get(path)
    assert "Live Agent" in page.text

    answer = browser.submit(page, action="/logout.do", next=path)

    assert answer.headers["Location"] == path
    browser.log_in(BOT, then=path)
    assert "Chatbot Interface" in browser.get(path).text


def test_deny_tells_the_application_so(browser, application):
    given = decide(browser, application.authorize_path(), decision="deny")

    assert given == {"error": "access_denied", "state": "5tate"}


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"state": ""}, "Missing State parameter in request"),
        ({"client_id": "nobody"}, "Invalid client_id"),
        ({"redirect_uri": REDIRECT + "x"}, "Invalid redirect_uri"),
        ({"redirect_uri": ""}, "Invalid redirect_uri"),
        ({"response_type": "token"}, "Invalid response_type"),
        ({"code_challenge_method": "plain"}, "Invalid code_challenge_method"),
    ],
)
def test_a_wrong_request_gets_a_page_and_no_redirect(
    browser, application, changes, text
):
    page = browser.get(application.authorize_path(**changes))

    assert page.status_code == 400
    assert not page.history
    assert text in page.text


def test_an_unregistered_redirect_can_lead_to_the_first_url(
    sandbox_instance, browser, application
):
    sandbox_instance.switch(unregistered_redirect="first_url")
    path = application.authorize_path(redirect_uri="http://127.0.0.1/other")
    browser.log_in(BOT, then=path)

    answer = browser.submit(browser.get(path), decision="allow")

    sandbox_instance.switch(unregistered_redirect="error_page")
    assert answer.headers["Location"].startswith("https://other.example/cb?code=")
