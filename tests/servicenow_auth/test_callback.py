"""The Redirect URL: the browser comes back from ServiceNow's consent page."""

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.auth.models import User
from django.contrib.messages import get_messages
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from servicenow_auth import services
from servicenow_auth.exceptions import NotAuthorized
from servicenow_auth.models import (
    AuthorizationAttempt,
    Connection,
    ConnectionRuntime,
    State,
)
from tests.servicenow_auth.conftest import HOST

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db]
REDIRECT_URI = "https://us.example/servicenow/oauth/callback/"
RETURN_TO = "/admin/handoff/bot/1/change/"
GIVEN = {"access_token": "access", "refresh_token": "refresh", "expires_in": 1800}
ME = {"sys_id": "a" * 32, "user_name": "chatbot.interface", "name": "Chatbot"}


def logged_in(name: str, *, is_staff: bool = True) -> Client:
    client = Client()
    client.force_login(User.objects.create_user(name, is_staff=is_staff))
    return client


@pytest.fixture
def browser() -> Client:
    return logged_in("developer")


@pytest.fixture
def url(oauth: Connection, browser: Client) -> str:
    """Where Authorize sent the browser."""
    return services.begin(
        connection=oauth,
        user=User.objects.get(username="developer"),
        session_key=browser.session.session_key or "",
        redirect_uri=REDIRECT_URI,
        return_to=RETURN_TO,
    )


@pytest.fixture
def state(url: str) -> str:
    return parse_qs(urlsplit(url).query)["state"][0]


def come_back(browser: Client, **query: str) -> tuple[str, str]:
    """Return where the browser is sent next, and what is said there."""
    answer = browser.get(reverse("servicenow_auth:callback"), query)
    assert answer.status_code == 302
    assert answer["Referrer-Policy"] == "no-referrer"
    told = [str(message) for message in get_messages(answer.wsgi_request)]
    return answer["Location"], " ".join(told)


def test_authorize_ends_ready_and_says_as_whom(http, browser, url, state):
    exchange = http.post(f"{HOST}/oauth_token.do", json=GIVEN)
    http.get(f"{HOST}/api/now/table/sys_user", json={"result": [ME]})
    where, told = come_back(browser, code="the-code", state=state)
    assert (where, told) == (RETURN_TO, "Authorized, connected as chatbot.interface.")
    form = parse_qs(exchange.calls[0].request.body.decode())
    assert form["code"] == ["the-code"]
    assert form["redirect_uri"] == [REDIRECT_URI]
    assert len(form["code_verifier"][0]) >= 43
    runtime = ConnectionRuntime.objects.get()
    assert runtime.state == State.READY
    assert runtime.refresh_token.reveal() == "refresh"
    assert runtime.refresh_expires_at


def test_neither_state_nor_verifier_nor_session_is_stored_as_it_is(url, state, browser):
    stored = str(AuthorizationAttempt.objects.values().get())
    assert state not in stored
    assert browser.session.session_key not in stored
    attempt = AuthorizationAttempt.objects.get()
    assert attempt.verifier.reveal() not in stored


def refused(browser: Client, **query: str) -> None:
    where, told = come_back(browser, **query)
    assert where == reverse("admin:index")
    assert "Click Authorize again" in told
    assert ConnectionRuntime.objects.get().access_token is None


def test_a_state_is_good_once(http, browser, state):
    http.post(f"{HOST}/oauth_token.do", json=GIVEN)
    http.get(f"{HOST}/api/now/table/sys_user", json={"result": [ME]})
    come_back(browser, code="1", state=state)
    ConnectionRuntime.objects.update(access_token=None)
    refused(browser, code="1", state=state)


def test_a_state_is_used_up_by_a_failure_too(http, browser, state):
    http.post(f"{HOST}/oauth_token.do", status=503)
    assert "503" in come_back(browser, code="1", state=state)[1]
    refused(browser, code="1", state=state)


@pytest.mark.parametrize("given", [{}, {"state": ""}, {"state": "made up"}])
def test_without_the_state_no_token_is_asked_for(given, browser, state):
    refused(browser, code="1", **given)


def test_the_state_of_another_browser_is_refused(browser, state):
    refused(logged_in("somebody else"), code="1", state=state)


def test_a_state_ends_after_ten_minutes(browser, state):
    attempt = AuthorizationAttempt.objects.get()
    life = attempt.expires_at - attempt.created_at
    assert timedelta(minutes=9, seconds=50) < life < timedelta(minutes=10, seconds=10)
    AuthorizationAttempt.objects.update(expires_at=timezone.now())
    refused(browser, code="1", state=state)


@pytest.mark.parametrize(
    "changes",
    [
        {"host_url": "https://other.service-now.com"},
        {"client_id": "other", "client_secret": None},
    ],
)
def test_a_code_goes_to_no_instance_but_the_one_that_was_asked(
    changes, http, browser, state
):
    Connection.objects.update(**changes)
    where, told = come_back(browser, code="1", state=state)
    assert where == RETURN_TO
    assert "Authorized" not in told
    assert not http.calls


def test_tokens_for_a_host_that_was_changed_meanwhile_are_not_kept(
    http, browser, state
):
    def change(_: object) -> tuple[int, dict[str, str], str]:
        services.configure(
            Connection.objects.get(),
            host_url="https://other.service-now.com",
            authorization_type="oauth",
            user_name="",
            client_id="the-client",
            client_secret="new",
        )
        return 200, {}, '{"access_token": "a", "refresh_token": "r", "expires_in": 9}'

    http.add_callback("POST", f"{HOST}/oauth_token.do", change)
    assert "changed meanwhile" in come_back(browser, code="1", state=state)[1]
    assert ConnectionRuntime.objects.get().access_token is None


def test_a_denial_is_told_apart_from_a_failure(browser, state):
    where, told = come_back(browser, error="access_denied", state=state)
    assert (where, told) == (
        RETURN_TO,
        "Access was denied in ServiceNow. Nothing changed.",
    )
    assert ConnectionRuntime.objects.get().state == State.NOT_AUTHORIZED


def test_an_error_of_servicenow_is_shown_and_cut(browser, state):
    told = come_back(browser, error="<b>" + "x" * 500, state=state)[1]
    assert told == f"ServiceNow could not authorize us: <b>{'x' * 97}."


def test_a_code_that_is_refused_changes_nothing(http, browser, state):
    http.post(f"{HOST}/oauth_token.do", status=401, json={"error": "server_error"})
    told = come_back(browser, code="1", state=state)[1]
    assert told == "ServiceNow refused to give a token."
    runtime = ConnectionRuntime.objects.get()
    assert runtime.refresh_token.reveal() == "the-refresh-token"


def test_tokens_without_a_refresh_token_are_not_enough(http, browser, state):
    http.post(f"{HOST}/oauth_token.do", json={"access_token": "a", "expires_in": 1800})
    assert "no refresh token" in come_back(browser, code="1", state=state)[1]


@pytest.mark.parametrize("who", ["stranger", "no staff"])
def test_the_code_of_who_is_not_staff_is_dropped(who, settings):
    settings.LOGIN_URL = "/login/"
    browser = Client() if who == "stranger" else logged_in("user", is_staff=False)
    answer = browser.get(reverse("servicenow_auth:callback"), {"code": "the-code"})
    assert (answer.status_code, answer["Location"]) == (302, "/login/")


def test_nothing_but_a_get_is_answered(browser):
    assert browser.post(reverse("servicenow_auth:callback")).status_code == 405


@pytest.mark.parametrize("return_to", ["https://evil.example/", "//evil.example", ""])
def test_the_way_back_is_a_path_of_ours(return_to, oauth, browser):
    with pytest.raises(ValueError, match="path of ours"):
        services.begin(
            connection=oauth,
            user=User.objects.get(username="developer"),
            session_key="key",
            redirect_uri=REDIRECT_URI,
            return_to=return_to,
        )


def test_authorize_needs_a_complete_configuration(oauth, browser):
    oauth.client_secret = None
    with pytest.raises(NotAuthorized, match="Client Secret"):
        services.begin(
            connection=oauth,
            user=User.objects.get(username="developer"),
            session_key="key",
            redirect_uri=REDIRECT_URI,
            return_to=RETURN_TO,
        )


def test_old_attempts_are_thrown_away(url, oauth, browser):
    AuthorizationAttempt.objects.update(expires_at=timezone.now())
    services.begin(
        connection=oauth,
        user=User.objects.get(username="developer"),
        session_key="key",
        redirect_uri=REDIRECT_URI,
        return_to=RETURN_TO,
    )
    assert AuthorizationAttempt.objects.count() == 1
