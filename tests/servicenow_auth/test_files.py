"""Files over the authenticated call."""

from typing import Any

import pytest

from servicenow_auth.client import Instance
from servicenow_auth.exceptions import (
    Ambiguous,
    AnswerTooLarge,
    Rejected,
    Throttled,
    TooLate,
)
from servicenow_auth.models import Connection, ConnectionRuntime
from tests.servicenow_auth.conftest import HOST
from tests.servicenow_auth.sockets import answer, answering, call, serving

PATH = "/api/now/attachment/1/file"
ENVELOPE = {"error": {"message": "No Record found", "detail": None}}
HIBERNATING = b"<html><title>Instance Hibernating page</title></html>"


def get(connection: Connection, *, max_bytes: int = 100) -> bytes:
    with Instance(connection) as instance:
        return instance.get_file(PATH, max_bytes=max_bytes)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "content", [b"\x89PNG\x00\xff", b'{"error": "mine"}', b"<html>", b""]
)
def test_a_files_content_is_taken_as_it_is(http, basic, content):
    http.get(f"{HOST}{PATH}", body=content)

    assert get(basic) == content
    request = http.calls[0].request
    assert request.headers["Accept"] == "*/*"
    assert request.headers["Authorization"].startswith("Basic ")


@pytest.mark.django_db
def test_a_file_that_is_too_large_is_refused_for_good(http, basic):
    http.get(f"{HOST}{PATH}", body=b"x" * 101)

    with pytest.raises(Rejected, match="The file is larger than") as refused:
        get(basic)

    assert refused.value.status == 413
    assert ConnectionRuntime.objects.get().detail == ""


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        ({"status": 404, "json": ENVELOPE}, Rejected),
        ({"status": 403, "json": ENVELOPE}, Rejected),
        ({"status": 429, "json": ENVELOPE}, Throttled),
        ({"status": 202, "body": b""}, Ambiguous),
        ({"status": 302, "body": b""}, Ambiguous),
        ({"status": 500, "body": b"<html>"}, Ambiguous),
        ({"status": 200, "body": HIBERNATING}, Ambiguous),
    ],
)
def test_what_is_no_file_is_an_outcome_like_any(http, basic, reply, outcome):
    http.get(f"{HOST}{PATH}", **reply)

    with pytest.raises(outcome):
        get(basic)


@pytest.mark.django_db
def test_a_file_is_posted_as_it_is(http, basic):
    sent = http.post(f"{HOST}/api/now/attachment/file", json={"result": {}})

    with Instance(basic) as instance:
        instance.post_file(
            "/api/now/attachment/file",
            {"file_name": 'tür & "x".png', "table_sys_id": "1"},
            content=b"\x00\xff",
            content_type="image/png",
        )

    request: Any = sent.calls[0].request
    assert request.body == b"\x00\xff"
    assert request.headers["Content-Type"] == "image/png"
    assert request.url.endswith("?file_name=t%C3%BCr+%26+%22x%22.png&table_sys_id=1")


@pytest.mark.django_db
def test_no_byte_of_a_file_leaves_too_late(basic):
    with Instance(basic) as instance, pytest.raises(TooLate):
        instance.post_file(
            "/api/now/attachment/file",
            {},
            content=b"x",
            content_type="image/png",
            send_before=0.0,
        )


@pytest.mark.real_http
def test_an_answer_is_read_as_far_as_the_caller_takes():
    with serving(answering(answer(b"a" * 3_000_000))) as server:
        assert len(call(server.url, max_bytes=3_000_000).body) == 3_000_000
        with pytest.raises(AnswerTooLarge, match="larger than 3 MB"):
            call(server.url, max_bytes=2_999_999)
