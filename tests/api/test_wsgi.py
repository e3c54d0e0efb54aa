"""The web process as the server calls it."""

import json
from io import BytesIO
from typing import Any

import pytest
from django.test import RequestFactory

from config.wsgi import application
from handoff import services

START = json.dumps({"conversation_id": "c-1", "message": "Help!"}).encode()

pytestmark = pytest.mark.django_db(transaction=True)


def post(key: str, body: bytes, **environ: Any) -> tuple[str, dict[str, Any]]:
    """Post to the API without a length, as chunked transfer does."""
    request = RequestFactory().post("/api/v1/handoffs", content_type="application/json")
    environ = request.environ | {
        "HTTP_AUTHORIZATION": f"Bearer {key}",
        "wsgi.input": BytesIO(body),
        **environ,
    }
    del environ["CONTENT_LENGTH"]
    statuses: list[str] = []

    def start_response(status: str, *_: Any) -> Any:
        statuses.append(status)

    parts = application(environ, start_response)
    return statuses[0][:3], json.loads(b"".join(parts))


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
