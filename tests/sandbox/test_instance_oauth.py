"""The instance's OAuth doors: what they give, and each thing that they refuse."""

import base64
import hashlib
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests

from tests.sandbox.instance import BOT, CLIENT_SECRET, REDIRECT, Browser, Instance

pytestmark = pytest.mark.real_http

VERIFIER = "a-verifier-of-at-least-forty-three-characters-0123"
CHALLENGE = (
    base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest())
    .rstrip(b"=")
    .decode()
)
REFUSED = {"error_description": "access_denied", "error": "server_error"}


@pytest.fixture(scope="module")
def client(sandbox_instance: Instance) -> Any:
    return sandbox_instance.register_application()


@pytest.fixture
def rotating(sandbox_instance: Instance) -> Iterator[None]:
    sandbox_instance.switch(rotate_refresh_tokens=True)
    yield
    sandbox_instance.switch(rotate_refresh_tokens=False)


def authorize_path(client: Any, **changes: str) -> str:
    parameters = {
        "response_type": "code",
        "client_id": client["client_id"],
        "redirect_uri": REDIRECT,
        "state": "5tate",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        **changes,
    }
    given = {name: value for name, value in parameters.items() if value}
    return f"/oauth_auth.do?{urlencode(given)}"


def decide(browser: Browser, path: str, *, decision: str = "allow") -> dict[str, str]:
    """Log in, answer the consent page, return what the redirect carries."""
    browser.log_in(BOT, then=path)
    answer = browser.submit(browser.get(path), decision=decision)
    location = answer.headers["Location"]
    assert location.startswith(REDIRECT)
    query = parse_qs(urlsplit(location).query)
    return {name: values[0] for name, values in query.items()}


def exchange(instance: Instance, **form: str) -> requests.Response:
    return instance.call("POST", "/oauth_token.do", data=form)


def redeem(
    instance: Instance, *, client: Any, code: str, **changes: str
) -> requests.Response:
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": REDIRECT,
        "client_id": client["client_id"],
        "client_secret": CLIENT_SECRET,
        "code_verifier": VERIFIER,
    }
    return exchange(instance, **(form | changes))


def refresh(instance: Instance, *, client: Any, token: str) -> requests.Response:
    return exchange(
        instance,
        grant_type="refresh_token",
        refresh_token=token,
        client_id=client["client_id"],
        client_secret=CLIENT_SECRET,
    )


def password_grant(instance: Instance, *, client: Any) -> Any:
    answer = exchange(
        instance,
        grant_type="password",
        username=BOT[0],
        password=BOT[1],
        client_id=client["client_id"],
        client_secret=CLIENT_SECRET,
    )
    return answer.json()


def test_a_consent_leads_to_tokens_that_act_as_the_user(
    sandbox_instance, browser, client
):
    given = decide(browser, authorize_path(client))
    assert given["state"] == "5tate"

    tokens = redeem(sandbox_instance, client=client, code=given["code"]).json()

    assert tokens["token_type"] == "Bearer"
    assert 0 < tokens["expires_in"] <= 1800
    me = sandbox_instance.call(
        "GET",
        "/api/now/table/sys_user",
        params={"sysparm_query": "sys_id=javascript:gs.getUserID()"},
        headers={"Authorization": f"Bearer {tokens['access_token']}"},
    )
    assert [user["user_name"] for user in me.json()["result"]] == [BOT[0]]


def test_somebody_who_is_not_logged_in_logs_in_first(browser, client):
    page = browser.get(authorize_path(client))

    assert urlsplit(page.url).path == "/login.do"
    wrong = browser.submit(page, user_name=BOT[0], user_password="wrong")
    assert wrong.status_code == 401
    assert "User name or password invalid" in wrong.text


def test_a_login_does_not_lead_to_another_site(browser):
    page = browser.get("/login.do?next=https://elsewhere.example/")

    answer = browser.submit(page, user_name=BOT[0], user_password=BOT[1])

    assert answer.headers["Location"] == "/desk/"


def test_a_consent_without_the_forms_token_is_refused(browser, client):
    browser.log_in(BOT, then=authorize_path(client))

    answer = browser.session.post(
        browser.url + authorize_path(client), data={"decision": "allow"}, timeout=10
    )

    assert answer.status_code == 403


def test_a_consent_can_be_given_as_somebody_else(browser, client):
    path = authorize_path(client)
    browser.log_in(("agent", "agent"), then=path)
    page = browser.get(path)
    assert "Live Agent" in page.text

    answer = browser.submit(page, action="/logout.do", next=path)

    assert answer.headers["Location"] == path
    browser.log_in(BOT, then=path)
    assert "Chatbot Interface" in browser.get(path).text


def test_deny_tells_the_application_so(browser, client):
    given = decide(browser, authorize_path(client), decision="deny")

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
def test_a_wrong_request_gets_a_page_and_no_redirect(browser, client, changes, text):
    page = browser.get(authorize_path(client, **changes))

    assert page.status_code == 400
    assert not page.history
    assert text in page.text


def test_an_unregistered_redirect_can_lead_to_the_first_url(
    sandbox_instance, browser, client
):
    sandbox_instance.switch(unregistered_redirect="first_url")
    path = authorize_path(client, redirect_uri="http://127.0.0.1/other")
    browser.log_in(BOT, then=path)

    answer = browser.submit(browser.get(path), decision="allow")

    sandbox_instance.switch(unregistered_redirect="error_page")
    assert answer.headers["Location"].startswith("https://other.example/cb?code=")


@pytest.mark.parametrize(
    "changes",
    [
        {"code_verifier": "another-verifier-that-does-not-fit-0123456789"},
        {"code_verifier": ""},
        {"redirect_uri": "https://other.example/cb"},
        {"client_secret": "wrong"},
        {"client_id": "nobody"},
        {"code": "wrong"},
        {"grant_type": "client_credentials"},
    ],
)
def test_a_wrong_exchange_is_refused_with_one_opaque_answer(
    sandbox_instance, browser, client, changes
):
    code = decide(browser, authorize_path(client))["code"]

    given = {"code": code} | changes
    answer = redeem(sandbox_instance, client=client, **given)

    assert (answer.status_code, answer.json()) == (401, REFUSED)


def test_a_code_is_good_for_one_use(sandbox_instance, browser, client):
    code = decide(browser, authorize_path(client))["code"]
    assert redeem(sandbox_instance, client=client, code=code).ok

    assert redeem(sandbox_instance, client=client, code=code).json() == REFUSED


def test_a_code_asked_for_without_a_challenge_needs_no_verifier(
    sandbox_instance, browser, client
):
    path = authorize_path(client, code_challenge="", code_challenge_method="")
    code = decide(browser, path)["code"]

    assert redeem(sandbox_instance, client=client, code=code, code_verifier="").ok


def test_json_at_the_token_endpoint_is_refused(sandbox_instance, client):
    form = {"grant_type": "password", "username": BOT[0], "password": BOT[1]}
    secret = {"client_id": client["client_id"], "client_secret": CLIENT_SECRET}

    answer = sandbox_instance.call("POST", "/oauth_token.do", json=form | secret)

    assert (answer.status_code, answer.json()) == (401, REFUSED)


def test_parameters_in_the_address_are_not_read(sandbox_instance, client):
    form = {"grant_type": "password", "username": BOT[0], "password": BOT[1]}
    secret = {"client_id": client["client_id"], "client_secret": CLIENT_SECRET}

    answer = sandbox_instance.call("POST", "/oauth_token.do", params=form | secret)

    assert answer.json() == REFUSED


def test_an_access_token_is_given_again_while_it_lives(sandbox_instance, client):
    first = password_grant(sandbox_instance, client=client)

    again = refresh(
        sandbox_instance, client=client, token=first["refresh_token"]
    ).json()

    assert again["access_token"] == first["access_token"]
    assert again["refresh_token"] == first["refresh_token"]
    assert again["expires_in"] <= first["expires_in"]


def test_lifetimes_come_from_the_application(sandbox_instance):
    short = sandbox_instance.register_application(
        access_token_lifespan="0", refresh_token_lifespan="0"
    )

    tokens = password_grant(sandbox_instance, client=short)

    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    path = "/api/now/table/chat_queue"
    assert sandbox_instance.call("GET", path, headers=headers).status_code == 401
    spent = refresh(sandbox_instance, client=short, token=tokens["refresh_token"])
    assert spent.json() == REFUSED


@pytest.mark.usefixtures("rotating")
def test_a_rotating_refresh_token_is_good_for_one_use(sandbox_instance, client):
    first = password_grant(sandbox_instance, client=client)["refresh_token"]

    second = refresh(sandbox_instance, client=client, token=first).json()

    assert second["refresh_token"] != first
    assert refresh(sandbox_instance, client=client, token=first).json() == REFUSED
    assert refresh(sandbox_instance, client=client, token=second["refresh_token"]).ok


def test_a_revoked_token_opens_nothing(sandbox_instance, client):
    tokens = password_grant(sandbox_instance, client=client)
    for name in ("access_token", "refresh_token"):
        path = "/oauth_revoke_token.do"
        assert sandbox_instance.call("POST", path, params={"token": tokens[name]}).ok

    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    answer = sandbox_instance.call("GET", "/api/now/table/chat_queue", headers=headers)
    assert answer.status_code == 401
    spent = refresh(sandbox_instance, client=client, token=tokens["refresh_token"])
    assert spent.json() == REFUSED


def test_another_application_cannot_spend_a_refresh_token(sandbox_instance, client):
    token = password_grant(sandbox_instance, client=client)["refresh_token"]
    other = sandbox_instance.register_application(name="Other")

    assert refresh(sandbox_instance, client=other, token=token).json() == REFUSED


def test_the_log_counts_token_calls(sandbox_instance, client):
    before = sandbox_instance.calls(path="/oauth_token.do")["count"]

    password_grant(sandbox_instance, client=client)

    log = sandbox_instance.calls(path="/oauth_token.do")
    assert log["count"] == before + 1
    assert log["calls"][-1]["status"] == 200


def test_the_client_secret_is_never_given_out(sandbox_instance, client):
    shown = sandbox_instance.table("oauth_entity")

    assert client["client_secret"] == ""
    assert client["client_id"]
    assert CLIENT_SECRET not in str(shown)
