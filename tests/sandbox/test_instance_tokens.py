"""The instance's token endpoint: what it gives, and each thing that it refuses."""

from collections.abc import Iterator

import pytest

from tests.sandbox.instance import BOT, Instance
from tests.sandbox.oauth import CLIENT_SECRET, Application, decide

pytestmark = pytest.mark.real_http

REFUSED = {"error_description": "access_denied", "error": "server_error"}


@pytest.fixture
def rotating(sandbox_instance: Instance) -> Iterator[None]:
    sandbox_instance.switch(rotate_refresh_tokens=True)
    yield
    sandbox_instance.switch(rotate_refresh_tokens=False)


def test_a_consent_leads_to_tokens_that_act_as_the_user(
    sandbox_instance, browser, application
):
    given = decide(browser, application.authorize_path())
    assert given["state"] == "5tate"

    tokens = application.redeem(given["code"]).json()

    assert tokens["token_type"] == "Bearer"
    assert 0 < tokens["expires_in"] <= 1800
    me = sandbox_instance.call(
        "GET",
        "/api/now/table/sys_user",
        params={"sysparm_query": "sys_id=javascript:gs.getUserID()"},
        headers={"Authorization": f"Bearer {tokens['access_token']}"},
    )
    assert [user["user_name"] for user in me.json()["result"]] == [BOT[0]]


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
    browser, application, changes
):
    code = decide(browser, application.authorize_path())["code"]

    given = {"code": code} | changes
    answer = application.redeem(**given)

    assert (answer.status_code, answer.json()) == (401, REFUSED)


def test_a_code_is_good_for_one_use(browser, application):
    code = decide(browser, application.authorize_path())["code"]
    assert application.redeem(code).ok

    assert application.redeem(code).json() == REFUSED


def test_a_code_asked_for_without_a_challenge_needs_no_verifier(browser, application):
    path = application.authorize_path(code_challenge="", code_challenge_method="")
    code = decide(browser, path)["code"]

    assert application.redeem(code, code_verifier="").ok


def test_json_at_the_token_endpoint_is_refused(sandbox_instance, application):
    form = {"grant_type": "password", "username": BOT[0], "password": BOT[1]}

    answer = sandbox_instance.call(
        "POST", "/oauth_token.do", json=application.credentials | form
    )

    assert (answer.status_code, answer.json()) == (401, REFUSED)


def test_parameters_in_the_address_are_not_read(sandbox_instance, application):
    form = {"grant_type": "password", "username": BOT[0], "password": BOT[1]}

    answer = sandbox_instance.call(
        "POST", "/oauth_token.do", params=application.credentials | form
    )

    assert answer.json() == REFUSED


def test_an_access_token_is_given_again_while_it_lives(application):
    first = application.password_grant()

    again = application.refresh(first["refresh_token"]).json()

    assert again["access_token"] == first["access_token"]
    assert again["refresh_token"] == first["refresh_token"]
    assert again["expires_in"] <= first["expires_in"]


def test_lifetimes_come_from_the_application(sandbox_instance):
    short = Application.register(
        sandbox_instance, access_token_lifespan="0", refresh_token_lifespan="0"
    )

    tokens = short.password_grant()

    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    path = "/api/now/table/chat_queue"
    assert sandbox_instance.call("GET", path, headers=headers).status_code == 401
    spent = short.refresh(tokens["refresh_token"])
    assert spent.json() == REFUSED


@pytest.mark.usefixtures("rotating")
def test_a_rotating_refresh_token_is_good_for_one_use(application):
    first = application.password_grant()["refresh_token"]

    second = application.refresh(first).json()

    assert second["refresh_token"] != first
    assert application.refresh(first).json() == REFUSED
    assert application.refresh(second["refresh_token"]).ok


def test_a_revoked_token_opens_nothing(sandbox_instance, application):
    tokens = application.password_grant()
    for name in ("access_token", "refresh_token"):
        path = "/oauth_revoke_token.do"
        assert sandbox_instance.call("POST", path, params={"token": tokens[name]}).ok

    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    answer = sandbox_instance.call("GET", "/api/now/table/chat_queue", headers=headers)
    assert answer.status_code == 401
    spent = application.refresh(tokens["refresh_token"])
    assert spent.json() == REFUSED


def test_another_application_cannot_spend_a_refresh_token(
    sandbox_instance, application
):
    token = application.password_grant()["refresh_token"]
    other = Application.register(sandbox_instance, name="Other")

    assert other.refresh(token).json() == REFUSED


def test_the_log_counts_token_calls(sandbox_instance, application):
    before = sandbox_instance.calls(path="/oauth_token.do")["count"]

    application.password_grant()

    log = sandbox_instance.calls(path="/oauth_token.do")
    assert log["count"] == before + 1
    assert log["calls"][-1]["status"] == 200


def test_the_client_secret_is_never_given_out(sandbox_instance, application):
    shown = sandbox_instance.table("oauth_entity")

    assert application.row["client_secret"] == ""
    assert application.row["client_id"]
    assert CLIENT_SECRET not in str(shown)
