"""Refreshing: when, what is kept, and what a refusal does."""

from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection
from django.db.models.functions import Now
from django.utils import timezone

from servicenow_auth import tokens
from servicenow_auth.exceptions import (
    AuthorizationRefused,
    NotAuthorized,
    TokenEndpointUnavailable,
)
from servicenow_auth.models import Connection, ConnectionRuntime, State
from tests.servicenow_auth.token_endpoint import (
    REFUSED,
    TOKEN_URL,
    give,
    hold,
    refuse,
    runtime,
)

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db]


def header(connection: Connection, *, refused: str | None = None) -> str:
    return tokens.grant(connection, refused=refused).header


def test_a_pasted_refresh_token_is_all_it_takes(http, oauth):
    sent = give(http, "first")
    assert header(oauth) == "Bearer first"
    assert header(oauth) == "Bearer first"
    assert "refresh_token=the-refresh-token" in sent.calls[0].request.body.decode()
    assert sent.call_count == 1


@pytest.mark.parametrize(
    ("left", "life", "due"),
    [
        (1000, 1800, False),
        (370, 1800, False),
        (350, 1800, True),
        (-10, 1800, True),
        (130, 300, False),
        (110, 300, True),
        (70, 120, False),
        (50, 120, True),
    ],
)
def test_a_token_is_refreshed_before_its_end(left, life, due, http, oauth):
    hold(oauth, left=left, life=life)
    if due:
        give(http, "next")
    assert header(oauth) == ("Bearer next" if due else "Bearer held")


def test_the_last_minutes_of_a_repeated_token_are_no_storm(http, oauth):
    """ServiceNow answers a refresh with the token that still lives."""
    hold(oauth, left=300)
    sent = give(http, "held", expires_in=300)
    for _ in range(20):
        assert header(oauth) == "Bearer held"
    assert sent.call_count == 1


def test_a_refused_token_is_refreshed_once(http, oauth):
    hold(oauth, left=1000)
    sent = give(http, "next")
    assert header(oauth, refused="Bearer held") == "Bearer next"
    # Others that were refused with the old one find the new one there.
    assert header(oauth, refused="Bearer held") == "Bearer next"
    assert sent.call_count == 1


def test_a_refused_token_that_is_repeated_is_not_asked_for_again(http, oauth):
    hold(oauth, left=1000)
    sent = give(http, "held")
    for _ in range(20):
        assert header(oauth, refused="Bearer held") == "Bearer held"
    assert sent.call_count == 1


def test_a_refresh_token_that_is_not_rotated_stays(http, oauth):
    issued = timezone.now() - timedelta(days=50)
    ConnectionRuntime.objects.update(refresh_issued_at=issued)
    give(http, "first")
    header(oauth)
    row = runtime()
    assert row.refresh_token.reveal() == "the-refresh-token"
    assert row.refresh_issued_at == issued
    assert row.previous_refresh_token is None


def test_a_rotated_refresh_token_replaces_the_old_one_and_keeps_it_once(http, oauth):
    give(http, "first", refresh_token="rotated")
    header(oauth)
    row = runtime()
    assert row.refresh_token.reveal() == "rotated"
    assert row.previous_refresh_token.reveal() == "the-refresh-token"
    assert row.refresh_expires_at
    assert timedelta(days=99) < row.refresh_expires_at - timezone.now()


def test_a_refusal_is_believed_at_the_second_time(http, oauth, announced):
    sent = refuse(http)
    with pytest.raises(AuthorizationRefused):
        header(oauth)
    assert sent.call_count == 2
    assert runtime().state == State.NEEDS_REAUTHORIZATION
    assert runtime().refresh_token is not None
    assert announced == [False]


def test_after_a_refusal_nobody_asks_again_until_a_person_acts(http, oauth, announced):
    sent = refuse(http)
    for _ in range(3):
        with pytest.raises(AuthorizationRefused):
            header(oauth)
    assert sent.call_count == 2
    assert announced == [False]


def test_a_passing_refusal_is_forgiven(http, oauth, announced):
    http.post(TOKEN_URL, json=REFUSED, status=401)
    give(http, "first")
    assert header(oauth) == "Bearer first"
    assert announced == []


def test_the_refresh_token_before_the_last_is_the_second_to_be_tried(http, oauth):
    give(http, "first", refresh_token="rotated")
    header(oauth)
    refused = http.post(TOKEN_URL, json=REFUSED, status=401)
    given = give(http, "second")
    assert header(oauth, refused="Bearer first") == "Bearer second"
    assert "refresh_token=rotated" in refused.calls[-1].request.body.decode()
    assert "refresh_token=the-refresh-token" in given.calls[-1].request.body.decode()
    row = runtime()
    assert row.refresh_token.reveal() == "the-refresh-token"


def test_a_refusal_of_what_was_replaced_meanwhile_is_no_refusal(http, oauth, announced):
    def rotate_elsewhere(_: object) -> tuple[int, dict[str, str], str]:
        hold(oauth, left=1000)
        ConnectionRuntime.objects.update(version=77)
        return 401, {}, "{}"

    http.add_callback("POST", TOKEN_URL, rotate_elsewhere)
    assert header(oauth) == "Bearer held"
    assert runtime().state == State.READY
    assert announced == []


def test_tokens_for_credentials_that_changed_meanwhile_are_not_kept(http, oauth):
    def change(_: object) -> tuple[int, dict[str, str], str]:
        ConnectionRuntime.objects.update(version=77, refresh_token=None)
        return 200, {}, '{"access_token": "for the old ones", "expires_in": 1800}'

    http.add_callback("POST", TOKEN_URL, change)
    with pytest.raises(NotAuthorized):
        header(oauth)
    assert runtime().access_token is None


def test_a_token_endpoint_in_trouble_drops_nothing(http, oauth, announced):
    http.post(TOKEN_URL, status=503)
    with pytest.raises(TokenEndpointUnavailable):
        header(oauth)
    row = runtime()
    assert (row.state, row.refresh_lease_until) == (State.NOT_AUTHORIZED, None)
    assert row.detail == "ServiceNow's token endpoint answered 503."
    http.replace("POST", TOKEN_URL, json={"access_token": "a", "expires_in": 1800})
    assert header(oauth) == "Bearer a"
    assert announced == []


def test_a_live_token_is_used_while_another_process_refreshes_it(oauth):
    hold(oauth, left=200)
    ConnectionRuntime.objects.update(refresh_lease_until=Now() + tokens.LEASE)
    assert header(oauth) == "Bearer held"


def test_who_needs_the_refresh_of_another_process_waits_for_it(oauth, monkeypatch):
    monkeypatch.setattr(tokens, "MAX_WAIT", 0.3)
    hold(oauth, left=-1)
    ConnectionRuntime.objects.update(refresh_lease_until=Now() + tokens.LEASE)
    with pytest.raises(TokenEndpointUnavailable, match="under way"):
        header(oauth)


def test_the_lease_of_a_process_that_died_ends(http, oauth):
    ConnectionRuntime.objects.update(
        refresh_lease_until=Now() - timedelta(milliseconds=50), refresh_fence=4
    )
    give(http, "first")
    assert header(oauth) == "Bearer first"
    assert runtime().refresh_fence == 5


@pytest.mark.django_db(transaction=True)
def test_what_was_brought_is_saved_once_the_database_is_back(http, oauth):
    give(http, "first", refresh_token="rotated")
    faults = [OperationalError("restarting"), OperationalError("restarting")]

    def fail_twice(execute: Any, sql: str, *rest: Any) -> Any:
        if faults and sql.startswith("UPDATE") and '"access_token" =' in sql:
            raise faults.pop()
        return execute(sql, *rest)

    with connection.execute_wrapper(fail_twice):
        assert header(oauth) == "Bearer first"
    assert faults == []
    assert runtime().refresh_token.reveal() == "rotated"


def test_without_a_refresh_token_nobody_is_asked(oauth):
    ConnectionRuntime.objects.update(refresh_token=None)
    with pytest.raises(NotAuthorized):
        header(oauth)
