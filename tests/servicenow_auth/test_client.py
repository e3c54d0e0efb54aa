"""What an answer of ServiceNow becomes: a result, or one of the five outcomes."""

import json
import time
from email.utils import formatdate
from typing import Any

import pytest
import requests

from servicenow_auth.client import Instance
from servicenow_auth.exceptions import (
    Ambiguous,
    DeliveryError,
    NotSent,
    Rejected,
    Throttled,
    TooLate,
    Unauthorized,
)
from servicenow_auth.models import Connection, ConnectionRuntime, State
from tests.servicenow_auth.conftest import HOST

pytestmark = pytest.mark.django_db
URL = f"{HOST}/api/now/table/incident"
ENVELOPE = {"error": {"message": "Operation Failed", "detail": "ACL"}}


def post(connection: Connection, **timing: Any) -> dict[str, Any]:
    with Instance(connection) as instance:
        return instance.post("/api/now/table/incident", {"a": "ü"}, **timing)


def failing(connection: Connection) -> DeliveryError:
    with pytest.raises(DeliveryError) as failed:
        post(connection)
    return failed.value


def runtime() -> ConnectionRuntime:
    return ConnectionRuntime.objects.get()


def test_a_call_carries_what_servicenow_asks_for(http, basic):
    sent = http.post(URL, json={"result": {"sys_id": "1"}}, status=201)
    assert post(basic) == {"result": {"sys_id": "1"}}
    request = sent.calls[0].request
    assert request.headers["Accept"] == "application/json"
    assert request.headers["Content-Type"] == "application/json"
    assert request.headers["Authorization"] == (
        "Basic Y2hhdGJvdC5pbnRlcmZhY2U6dGhlLXBhc3N3b3Jk"
    )
    assert json.loads(request.body) == {"a": "ü"}


def test_bytes_and_further_headers_go_as_they_are(http, basic):
    sent = http.post(URL, json={"result": {}})
    with Instance(basic) as instance:
        instance.post("/api/now/table/incident", b'{"a":1}', headers={"token": "t"})
    request = sent.calls[0].request
    assert request.body == b'{"a":1}'
    assert request.headers["token"] == "t"
    assert request.headers["Content-Type"] == "application/json"


def test_no_further_header_replaces_the_authorization(http, basic):
    sent = http.post(URL, json={"result": {}})
    with Instance(basic) as instance:
        instance.post("/api/now/table/incident", {}, headers={"Authorization": "no"})
    assert sent.calls[0].request.headers["Authorization"].startswith("Basic ")


def test_parameters_go_into_the_address(http, basic):
    http.get(f"{URL}?sysparm_limit=2&q=a%5Eb", json={"result": []})
    path = "/api/now/table/incident"
    with Instance(basic) as instance:
        assert instance.get(path, {"sysparm_limit": 2, "q": "a^b"}) == {"result": []}


def test_an_answer_without_content_is_a_success(http, basic):
    http.post(URL, status=204)
    assert post(basic) == {}


@pytest.mark.parametrize(
    ("status", "body", "text"),
    [
        (400, {"error": {"message": "Invalid table x", "detail": None}},
         "Invalid table x"),
        (403, ENVELOPE, "Operation Failed: ACL"),
        (403, {"result": "You <b>cannot</b>\n post &amp; run"},
         "You cannot post & run"),
        (403, {"error": "no object"}, "no object"),
        (404, {"error": {"message": None, "detail": "No Record found"}},
         "No Record found"),
        (404, {"result": {"no": "text"}}, ""),
        (405, {}, ""),
        (406, [], ""),
        (409, "", ""),
        (410, "", ""),
        (413, "<html>Request Entity Too Large</html>", ""),
        (415, {"result": "x" * 5000}, "x" * 300),
        (422, {"result": "<" * 5000}, "<" * 300),
    ],
)  # fmt: skip
def test_a_definite_no_is_rejected_with_servicenows_own_words(
    status, body, text, http, basic
):
    http.post(URL, status=status, body=body if body == "" else json.dumps(body))
    rejected = failing(basic)
    assert isinstance(rejected, Rejected)
    assert (rejected.status, rejected.text) == (status, text)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, "<html><title>Log in</title></html>"),
        (200, ""),
        (200, '{"result": [{"sys_id": "1"}, {"sys'),
        (200, '{"result": NaN}'),
        (200, "[" * 100_000),
        (200, "[]"),
        (200, '"ok"'),
        (200, "null"),
        (200, b"\xff\xfe{}"),
        (200, json.dumps(ENVELOPE)),
        (202, '{"result": {}}'),
        (302, ""),
        (307, '{"result": {}}'),
        (408, ""),
        (418, ""),
        (502, "<html>"),
        (503, '{"error": {}}'),
        (504, ""),
    ],
)
def test_whatever_else_comes_is_ambiguous(status, body, http, basic):
    http.post(URL, status=status, body=body)
    ambiguous = failing(basic)
    assert isinstance(ambiguous, Ambiguous)
    assert not ambiguous.ended


def test_a_500_of_the_platform_itself_has_ended(http, basic):
    http.post(URL, status=500, json={"error": {"message": "Transaction cancelled"}})
    ambiguous = failing(basic)
    assert isinstance(ambiguous, Ambiguous)
    assert ambiguous.ended


def test_a_500_of_something_in_between_may_still_be_under_way(http, basic):
    http.post(URL, status=500, body="<html>")
    ambiguous = failing(basic)
    assert isinstance(ambiguous, Ambiguous)
    assert not ambiguous.ended


@pytest.mark.parametrize("status", [200, 404, 503])
def test_a_hibernating_instance_is_named(status, http, basic):
    page = "<html><head><TITLE >Instance Hibernating page</TITLE></head></html>"
    http.post(URL, status=status, body=page)
    ambiguous = failing(basic)
    assert isinstance(ambiguous, Ambiguous)
    assert ambiguous.detail == "The instance is hibernating."


def in_seconds(seconds: float) -> str:
    return formatdate(time.time() + seconds, usegmt=True)


@pytest.mark.parametrize(
    ("header", "value", "expected"),
    [
        ("Retry-After", lambda: "30", 30),
        ("Retry-After", lambda: "86400", 3600),
        ("Retry-After", lambda: in_seconds(60), 60),
        ("Retry-After", lambda: in_seconds(-60), 0),
        ("X-RateLimit-Reset", lambda: str(int(time.time()) + 90), 90),
    ],
)
def test_too_many_calls_tell_how_long_to_wait(header, value, expected, http, basic):
    http.post(URL, status=429, headers={header: value()}, json=ENVELOPE)
    throttled = failing(basic)
    assert isinstance(throttled, Throttled)
    assert throttled.retry_after == pytest.approx(expected, abs=10)


@pytest.mark.parametrize(
    "headers",
    [{}, {"Retry-After": "soon"}, {"Retry-After": "-1"}, {"X-RateLimit-Reset": "?"}],
)
def test_no_wait_is_made_up(headers, http, basic):
    http.post(URL, status=429, headers=headers, json=ENVELOPE)
    throttled = failing(basic)
    assert isinstance(throttled, Throttled)
    assert throttled.retry_after is None


def test_a_host_that_cannot_be_reached_is_shown_until_a_call_succeeds(http, basic):
    ConnectionRuntime.objects.update(state=State.READY)
    http.post(URL, body=requests.ConnectionError())
    assert isinstance(failing(basic), NotSent)
    assert runtime().detail == "Not sent: no connection could be made."
    http.replace("POST", URL, json={"result": {}})
    post(basic)
    assert runtime().detail == ""


def test_nothing_is_sent_too_late_and_the_host_is_not_blamed(basic):
    with pytest.raises(TooLate):
        post(basic, send_before=time.monotonic())
    assert runtime().detail == ""


def test_a_host_that_is_no_longer_allowed_is_not_called(basic):
    Connection.objects.update(host_url="http://127.0.0.1:8100")
    assert isinstance(failing(basic), NotSent)


def test_credentials_go_to_no_host_but_their_own(http, basic):
    """The caller's row was read before somebody typed another host and password."""
    basic.host_url = "https://former.service-now.com"
    sent = http.post(URL, json={"result": {}})
    post(basic)
    assert sent.call_count == 1


def test_a_wrong_password_is_tried_three_times_and_never_again(http, basic):
    sent = http.post(URL, status=401, json=ENVELOPE)
    for _ in range(5):
        assert isinstance(failing(basic), Unauthorized)
    assert sent.call_count == 3
    assert runtime().state == State.NEEDS_REAUTHORIZATION
    assert "password" in runtime().detail


def test_a_success_forgets_earlier_refusals(http, basic):
    ConnectionRuntime.objects.update(refusals=2)
    http.post(URL, json={"result": {}})
    post(basic)
    assert runtime().refusals == 0


def test_a_broken_seal_sends_nothing_and_says_so(basic, settings):
    settings.FIELD_ENCRYPTION_KEYS = ["V" * 43 + "="]
    unauthorized = failing(basic)
    assert isinstance(unauthorized, Unauthorized)
    assert "unknown key" in unauthorized.detail
    assert "v1:" not in unauthorized.detail


def test_missing_credentials_send_nothing(basic):
    Connection.objects.update(password=None)
    assert isinstance(failing(basic), Unauthorized)


def clock_after(http, connection, *, date: str) -> float | None:
    """Return what is known of ServiceNow's clock after an answer with this `Date`."""
    http.post(URL, json={"result": {}}, headers={"Date": date})
    with Instance(connection) as instance:
        instance.post("/api/now/table/incident", {})
    return ConnectionRuntime.objects.get().clock_offset


def test_how_far_servicenows_clock_is_ahead_is_known_after_a_call(http, basic):
    assert clock_after(http, basic, date=in_seconds(120)) == pytest.approx(120, abs=5)
    assert clock_after(http, basic, date=in_seconds(-90)) == pytest.approx(-90, abs=5)


def test_a_clock_that_moved_a_little_is_not_noted_again(http, basic):
    known = clock_after(http, basic, date=in_seconds(120))
    assert clock_after(http, basic, date=in_seconds(130)) == known


@pytest.mark.parametrize("date", ["", "soon", "Mon, 01 Jan 0001 00:00:00 GMT"])
def test_what_is_no_clock_is_not_noted(http, basic, date):
    assert clock_after(http, basic, date=date) is None
