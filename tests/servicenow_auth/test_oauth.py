"""The wire of the token endpoint, answer by answer."""

import base64
import hashlib
import json
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from servicenow_auth import oauth
from servicenow_auth.exceptions import AuthorizationRefused, TokenEndpointUnavailable
from tests.servicenow_auth.conftest import HOST

TOKEN_URL = f"{HOST}/oauth_token.do"
CLIENT = oauth.Client(host_url=HOST, client_id="client", client_secret="s&cret=")
GIVEN = {
    "access_token": "the-access-token",
    "refresh_token": "the-refresh-token",
    "scope": "useraccount",
    "token_type": "Bearer",
    "expires_in": 1799,
}
REFUSED = {"error_description": "access_denied", "error": "server_error"}


def refresh() -> oauth.Tokens:
    return oauth.refresh(CLIENT, refresh_token="the-refresh-token")


def test_the_browser_is_sent_with_all_that_binds_the_answer_to_us():
    verifier = oauth.new_verifier()
    url = oauth.authorize_url(
        host_url=HOST,
        client_id="client",
        redirect_uri="https://us.example/servicenow/oauth/callback/",
        state="0123",
        verifier=verifier,
    )
    digest = hashlib.sha256(verifier.encode()).digest()
    assert url.startswith(f"{HOST}/oauth_auth.do?")
    assert parse_qs(urlsplit(url).query) == {
        "response_type": ["code"],
        "client_id": ["client"],
        "redirect_uri": ["https://us.example/servicenow/oauth/callback/"],
        "state": ["0123"],
        "code_challenge": [base64.urlsafe_b64encode(digest).decode().rstrip("=")],
        "code_challenge_method": ["S256"],
    }


def test_each_verifier_is_new():
    assert oauth.new_verifier() != oauth.new_verifier()


def test_a_code_is_exchanged_by_a_form_with_the_secret_in_it(http):
    sent = http.post(TOKEN_URL, json=GIVEN)
    tokens = oauth.exchange_code(
        CLIENT, code="the code", redirect_uri="https://us.example/", verifier="v"
    )
    assert tokens == oauth.Tokens(
        access_token="the-access-token",
        refresh_token="the-refresh-token",
        expires_in=1799,
    )
    request = sent.calls[0].request
    assert request.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert "Authorization" not in request.headers
    assert parse_qs(request.body.decode()) == {
        "grant_type": ["authorization_code"],
        "code": ["the code"],
        "redirect_uri": ["https://us.example/"],
        "code_verifier": ["v"],
        "client_id": ["client"],
        "client_secret": ["s&cret="],
    }


def test_a_refresh_may_bring_no_refresh_token(http):
    sent = http.post(TOKEN_URL, json={"access_token": "a", "expires_in": "60"})
    assert refresh() == oauth.Tokens(
        access_token="a", refresh_token=None, expires_in=60
    )
    assert parse_qs(sent.calls[0].request.body.decode())["grant_type"] == [
        "refresh_token"
    ]


@pytest.mark.parametrize(
    ("told", "expected"), [(0, 1), ("1799", 1799), (10**30, 31_536_000)]
)
def test_a_life_is_taken_within_reason(told, expected, http):
    http.post(TOKEN_URL, json={"access_token": "a", "expires_in": told})
    assert refresh().expires_in == expected


@pytest.mark.parametrize(
    ("status", "answer"),
    [
        (401, REFUSED),
        (400, {"error": "invalid_grant"}),
        (401, "no JSON"),
        (200, REFUSED),
        (200, {"error": "invalid_client"}),
    ],
)
def test_a_refusal_is_told_apart_from_trouble(status, answer, http):
    http.post(TOKEN_URL, json=answer, status=status)
    with pytest.raises(AuthorizationRefused):
        refresh()


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, "<html><title>Instance Hibernating page</title></html>"),
        (200, ""),
        (200, "[]"),
        (200, '"token"'),
        (200, "null"),
        (200, "access_token=a&expires_in=5"),
        (200, "[" * 100_000),
        (200, json.dumps({"access_token": "a", "expires_in": "soon"})),
        (200, json.dumps({"access_token": "a", "expires_in": None})),
        (200, json.dumps({"access_token": "a", "expires_in": []})),
        (200, json.dumps({"access_token": "a", "expires_in": -1})),
        (200, json.dumps({"access_token": ["a"], "expires_in": 5})),
        (200, json.dumps({"access_token": "", "expires_in": 5})),
        (200, json.dumps({"token_type": "Bearer"})),
        (202, json.dumps(GIVEN)),
        (302, ""),
        (403, ""),
        (404, ""),
        (429, ""),
        (500, "{}"),
        (503, "<html>"),
    ],
)
def test_trouble_is_no_refusal(status, body, http):
    http.post(TOKEN_URL, body=body, status=status)
    with pytest.raises(TokenEndpointUnavailable):
        refresh()


def test_a_host_that_cannot_be_reached_is_no_refusal(http):
    http.post(TOKEN_URL, body=requests.ConnectionError())
    with pytest.raises(TokenEndpointUnavailable, match="Not sent"):
        refresh()


def test_a_host_that_is_no_longer_allowed_is_not_called():
    client = oauth.Client(
        host_url="http://127.0.0.1:8100", client_id="c", client_secret="s"
    )
    with pytest.raises(TokenEndpointUnavailable):
        oauth.refresh(client, refresh_token="r")


def test_no_secret_shows_in_a_repr_or_a_log_line(http, caplog):
    caplog.set_level("DEBUG")
    http.post(TOKEN_URL, json=GIVEN)
    shown = f"{CLIENT!r} {refresh()!r} {caplog.text}"
    assert "s&cret" not in shown
    assert "the-access-token" not in shown
    assert "the-refresh-token" not in shown
