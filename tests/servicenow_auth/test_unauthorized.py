"""A 401 in the middle of the work: one refresh, one more try, then a person."""

import pytest
import requests

from servicenow_auth.client import Instance
from servicenow_auth.exceptions import NotSent, Unauthorized
from servicenow_auth.models import State
from tests.servicenow_auth.conftest import HOST
from tests.servicenow_auth.token_endpoint import TOKEN_URL, give, hold, refuse, runtime

pytestmark = pytest.mark.django_db
URL = f"{HOST}/api/now/table/incident"


def test_a_401_is_answered_by_one_refresh_and_one_more_try(http, oauth):
    hold(oauth, left=1000)
    refused = http.get(URL, status=401)
    give(http, "next")
    accepted = http.get(URL, json={"result": []})
    with Instance(oauth) as instance:
        assert instance.get("/api/now/table/incident") == {"result": []}
        assert instance.get("/api/now/table/incident") == {"result": []}
    assert refused.calls[0].request.headers["Authorization"] == "Bearer held"
    assert [call.request.headers["Authorization"] for call in accepted.calls] == [
        "Bearer next",
        "Bearer next",
    ]


def test_a_401_for_a_fresh_token_needs_a_person(http, oauth, announced):
    hold(oauth, left=1000)
    sent = http.get(URL, status=401)
    give(http, "next")
    with Instance(oauth) as instance, pytest.raises(Unauthorized):
        instance.get("/api/now/table/incident")
    assert sent.call_count == 2
    assert runtime().state == State.NEEDS_REAUTHORIZATION
    assert announced == [False]


def test_a_call_without_a_token_to_be_had_sends_nothing(http, oauth):
    http.post(TOKEN_URL, body=requests.ConnectionError())
    with Instance(oauth) as instance, pytest.raises(NotSent):
        instance.get("/api/now/table/incident")


def test_a_refused_refresh_is_unauthorized_for_the_caller(http, oauth):
    refuse(http)
    with Instance(oauth) as instance, pytest.raises(Unauthorized):
        instance.get("/api/now/table/incident")
