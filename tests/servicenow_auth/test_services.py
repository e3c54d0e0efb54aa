from datetime import timedelta
from typing import Any

import pytest
import requests
from django.utils import timezone

from servicenow_auth import services
from servicenow_auth.exceptions import (
    DeliveryError,
    NotAuthorized,
    Unauthorized,
)
from servicenow_auth.fields import Secret
from servicenow_auth.identity import Identity
from servicenow_auth.models import Connection, ConnectionRuntime, State
from servicenow_auth.status import StatusLine, status_line
from tests.servicenow_auth.conftest import HOST

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db]
ME_URL = f"{HOST}/api/now/table/sys_user"
ME = {"sys_id": "a" * 32, "user_name": "chatbot.interface", "name": "Chatbot"}


def configure(connection: Connection, **changes: Any) -> Connection:
    connection.refresh_from_db()
    held = {
        "host_url": connection.host_url,
        "authorization_type": connection.authorization_type,
        "user_name": connection.user_name,
        "client_id": connection.client_id,
        "password": None,
        "client_secret": "",
        "refresh_token": None,
    }
    services.configure(connection, **held | changes)
    return Connection.objects.select_related("runtime").get(pk=connection.pk)


@pytest.fixture
def ready(oauth: Connection) -> Connection:
    """An OAuth connection as it is after some days of use."""
    runtime = oauth.runtime
    runtime.refresh_from_db()
    runtime.access_token = Secret("access")
    runtime.access_issued_at = timezone.now()
    runtime.access_expires_at = timezone.now() + timedelta(seconds=1800)
    runtime.state = State.READY
    runtime.user_sys_id, runtime.user_name = ME["sys_id"], ME["user_name"]
    runtime.version = 10
    runtime.save()
    oauth.password = Secret("a password")
    oauth.save()
    return oauth


def test_empty_secrets_keep_what_is_there(ready):
    after = configure(ready)
    assert after.client_secret.reveal() == "the-client-secret"
    assert after.runtime.access_token
    assert (after.runtime.state, after.runtime.version) == (State.READY, 10)


def test_another_host_clears_every_secret_and_token(ready):
    after = configure(ready, host_url="https://other.service-now.com")
    assert (after.password, after.client_secret) == (None, None)
    assert after.runtime.access_token is None
    assert after.runtime.refresh_token is None
    assert after.runtime.user_sys_id == ""
    assert after.runtime.state == State.NOT_AUTHORIZED


def test_secrets_given_with_another_host_are_for_that_one(ready):
    after = configure(
        ready, host_url="https://other.service-now.com", client_secret="new"
    )
    assert after.client_secret.reveal() == "new"
    assert after.password is None


@pytest.mark.parametrize(
    "changes", [{"client_id": "other"}, {"authorization_type": "basic"}]
)
def test_tokens_of_another_client_are_forgotten(changes, ready):
    after = configure(ready, **changes)
    assert after.runtime.refresh_token is None
    assert after.runtime.state == State.NOT_AUTHORIZED
    assert after.runtime.user_sys_id == ME["sys_id"]


@pytest.mark.parametrize(
    "changes",
    [{"client_secret": "new"}, {"password": "new"}, {"user_name": "other"}],
)
def test_new_credentials_are_to_be_checked_again(changes, ready):
    ConnectionRuntime.objects.update(
        state=State.NEEDS_REAUTHORIZATION, refusals=3, detail="refused"
    )
    after = configure(ready, **changes).runtime
    assert (after.state, after.refusals, after.detail) == (State.NOT_AUTHORIZED, 0, "")
    assert after.version == 11


def test_a_pasted_refresh_token_replaces_all_tokens(ready):
    after = configure(ready, refresh_token="pasted").runtime
    assert after.access_token is None
    assert after.refresh_token.reveal() == "pasted"


def test_who_we_are_makes_a_connection_ready_and_says_so_once(http, basic, announced):
    sent = http.get(ME_URL, json={"result": [ME]})
    assert services.who_am_i(basic) == Identity(**ME)
    services.who_am_i(basic)
    runtime = ConnectionRuntime.objects.get()
    assert runtime.state == State.READY
    assert (runtime.user_sys_id, runtime.user_name) == (ME["sys_id"], ME["user_name"])
    assert runtime.user_checked_at is not None
    assert sent.calls[0].request.params == {
        "sysparm_query": "sys_id=javascript:gs.getUserID()",
        "sysparm_fields": "sys_id,user_name,name",
        "sysparm_limit": "2",
    }
    assert announced == [True]


@pytest.mark.parametrize(
    "answer",
    [
        {"result": []},
        {"result": [ME, ME]},
        {"result": ["me"]},
        {"result": "me"},
        {"result": [{"sys_id": "", "user_name": "x"}]},
        {"result": [{"user_name": "x"}]},
        {},
    ],
)
def test_without_a_clear_answer_nobody_is_ready(answer, http, basic):
    http.get(ME_URL, json=answer)
    with pytest.raises(NotAuthorized):
        services.who_am_i(basic)
    assert ConnectionRuntime.objects.get().state == State.NOT_AUTHORIZED


def test_a_check_by_a_person_tries_what_was_refused_before(http, basic):
    ConnectionRuntime.objects.update(state=State.NEEDS_REAUTHORIZATION, refusals=3)
    http.get(ME_URL, json={"result": [ME]})
    services.who_am_i(basic)
    runtime = ConnectionRuntime.objects.get()
    assert (runtime.state, runtime.refusals) == (State.READY, 0)


def test_an_answer_to_credentials_changed_meanwhile_counts_for_nothing(http, basic):
    def change(_: object) -> tuple[int, dict[str, str], str]:
        configure(Connection.objects.get(), password="other")
        return 200, {}, '{"result": [{"sys_id": "1", "user_name": "old"}]}'

    http.add_callback("GET", ME_URL, change)
    with pytest.raises(NotAuthorized, match="changed meanwhile"):
        services.who_am_i(basic)
    assert ConnectionRuntime.objects.get().user_sys_id == ""


def test_disconnecting_revokes_and_forgets(http, ready):
    sent = http.post(f"{HOST}/oauth_revoke_token.do")
    services.disconnect(ready)
    assert [call.request.body for call in sent.calls] == [
        b"token=access",
        b"token=the-refresh-token",
    ]
    runtime = ConnectionRuntime.objects.get()
    assert (runtime.access_token, runtime.refresh_token) == (None, None)
    assert runtime.state == State.NOT_AUTHORIZED


def test_disconnecting_forgets_also_where_nobody_answers(http, ready, caplog):
    http.post(f"{HOST}/oauth_revoke_token.do", body=requests.ConnectionError())
    services.disconnect(ready)
    assert ConnectionRuntime.objects.get().refresh_token is None
    assert caplog.messages == ["authorization.not_revoked"] * 2


@pytest.mark.parametrize(
    ("columns", "line"),
    [
        ({}, StatusLine(level="warning", text="Not authorized")),
        (
            {"state": "ready", "user_name": "chatbot.interface"},
            StatusLine(level="success", text="Ready, connected as chatbot.interface"),
        ),
        (
            {
                "state": "needs_reauthorization",
                "state_since": "2026-01-02T03:04:05Z",
                "detail": "Refused.",
            },
            StatusLine(
                level="error",
                text="Needs re-authorization since 2026-01-02 03:04 UTC: Refused.",
            ),
        ),
        (
            {"state": "ready", "detail": "The instance is hibernating."},
            StatusLine(
                level="error", text="Host unreachable: The instance is hibernating."
            ),
        ),
    ],
)
def test_one_line_says_where_it_stands(columns, line, basic):
    ConnectionRuntime.objects.update(**columns)
    assert status_line(ConnectionRuntime.objects.get()) == line


def test_the_end_of_the_refresh_token_is_announced_two_weeks_before(ready):
    ends = timezone.now() + timedelta(days=12, hours=1)
    ConnectionRuntime.objects.update(refresh_expires_at=ends)
    line = StatusLine(level="warning", text="Refresh token ends in 12 days")
    assert status_line(ConnectionRuntime.objects.get()) == line


def test_no_secret_shows_in_what_a_failure_tells(http, basic, caplog):
    caplog.set_level("DEBUG")
    http.get(ME_URL, status=401, json={"error": {"message": "the-password"}})
    with pytest.raises(DeliveryError) as failed:
        services.who_am_i(basic)
    assert isinstance(failed.value, Unauthorized)
    assert "the-password" not in f"{failed.value!r} {caplog.text}"
