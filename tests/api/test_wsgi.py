"""The web process as the server calls it."""

import json
from contextlib import closing
from io import BytesIO
from typing import Any

import pytest
from django.test import RequestFactory

from config.wsgi import application
from handoff import services
from tests.files.samples import BORDER, PNG, part

START = json.dumps({"conversation_id": "c-1", "message": "Help!"}).encode()

pytestmark = pytest.mark.django_db(transaction=True)


def post(
    key: str,
    body: bytes,
    *,
    path: str = "handoffs",
    content_type: str = "application/json",
    **environ: Any,
) -> tuple[str, dict[str, Any]]:
    """Post to the API without a length, as chunked transfer does."""
    request = RequestFactory().post(f"/api/v1/{path}", content_type=content_type)
    environ = request.environ | {
        "HTTP_AUTHORIZATION": f"Bearer {key}",
        "wsgi.input": BytesIO(body),
        **environ,
    }
    del environ["CONTENT_LENGTH"]
    statuses: list[str] = []

    def start_response(status: str, *_: Any) -> Any:
        statuses.append(status)

    answer: Any = application(environ, start_response)
    with closing(answer):
        return statuses[0][:3], json.loads(b"".join(answer))


@pytest.fixture
def key(bot) -> str:
    return services.create_api_key(bot=bot)[1]


@pytest.mark.parametrize("encoding", ["chunked", "Chunked"])
def test_a_chunked_body_is_read(key, encoding):
    status, told = post(key, START, HTTP_TRANSFER_ENCODING=encoding)

    assert (status, told["state"]) == ("202", "requested")


def test_a_chunked_body_that_is_too_large_is_refused(key):
    body = b"x" * 2_000_000

    status, told = post(key, body, HTTP_TRANSFER_ENCODING="chunked")

    assert (status, told["code"]) == ("413", "body_too_large")


def upload(key: str, content: bytes) -> tuple[str, dict[str, Any]]:
    return post(
        key,
        part(content) + f"--{BORDER}--\r\n".encode(),
        path="attachments",
        content_type=f"multipart/form-data; boundary={BORDER}",
        HTTP_TRANSFER_ENCODING="chunked",
    )


def test_a_chunked_file_may_be_as_large_as_files_are(key):
    status, told = upload(key, PNG.ljust(3_000_000))

    assert (status, told["size"]) == ("201", 3_000_000)


def test_a_chunked_file_that_is_too_large_is_refused(key, settings):
    settings.MAX_ATTACHMENT_BYTES = 1_000_000

    status, told = upload(key, PNG.ljust(2_000_000))

    assert (status, told["code"]) == ("413", "body_too_large")


def test_no_more_of_a_body_is_read_than_decides(key, settings):
    settings.MAX_ATTACHMENT_BYTES = 1_000_000
    endless = BytesIO(b"x" * 5_000_000)

    status, _ = post(
        key,
        b"",
        path="attachments",
        content_type=f"multipart/form-data; boundary={BORDER}",
        **{"HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input": endless},
    )

    assert (status, endless.tell()) == ("413", 1_000_000 + settings.FORM_BYTES + 1)
