"""Whatever comes in, the answer is a 4xx problem and never a 500."""

import json

import pytest

from handoff.exceptions import MalformedBody
from handoff.models import Handoff
from handoff.strict_json import load_json

pytestmark = pytest.mark.both_databases

DEEP = 100_000
BROKEN = {
    "nothing": b" ",
    "no JSON": b"conversation_id=c-1",
    "half": b'{"conversation_id": "c-1"',
    "two": b"{}{}",
    "comma": b'{"a": 1,}',
    "control character": b'{"a": "x\ny"}',
    "UTF-16": '{"a": "b"}'.encode("utf-16"),
    "Latin-1": '{"a": "é"}'.encode("latin-1"),
    "byte order mark": b'\xef\xbb\xbf{"a": 1}',
    "NaN": b'{"a": NaN}',
    "infinity": b'{"a": -Infinity}',
    "overflow": b'{"a": 1e999}',
    "huge integer": b'{"a": ' + b"9" * 5_000 + b"}",
    "65 bits": b'{"a": 18446744073709551616}',
    "repeated key": b'{"a": 1, "a": 2}',
    "repeated key inside": b'{"a": [{"b": 1, "b": 1}]}',
    "NUL": b'{"a": "x\\u0000y"}',
    "NUL in a key": b'{"a\\u0000": 1}',
    "lone surrogate": b'{"a": "\\ud83d"}',
    "lone surrogate in a list": b'{"a": [["\\udc00"]]}',
    "deep list": b"[" * DEEP + b"]" * DEEP,
    "deep object": b'{"a":' * 1_000 + b"1" + b"}" * 1_000,
    "21 levels": b"[" * 22 + b"]" * 22,
}


@pytest.mark.parametrize("body", BROKEN.values(), ids=BROKEN)
def test_a_broken_body_is_named_as_such(api, body):
    answer = api.send("/handoffs", body)

    assert answer.status_code == 400
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "malformed_body"
    assert not Handoff.objects.exists()


@pytest.mark.parametrize("body", BROKEN.values(), ids=BROKEN)
def test_the_reason_is_a_short_sentence(body):
    with pytest.raises(MalformedBody) as caught:
        load_json(body)

    assert str(caught.value).endswith(".")
    assert len(str(caught.value)) < 150


def test_good_json_is_read_as_it_is():
    value = {"text": "Ünïcode 🙂 \n", "list": [1, -2.5, None, True, {}], "": 2**62}

    assert load_json(json.dumps(value).encode()) == value
    assert load_json(json.dumps(value, ensure_ascii=False).encode()) == value
    assert load_json(b"[" * 20 + b"]" * 20) is not None


@pytest.mark.parametrize("size", [1_310_721, 5_000_000])
def test_a_body_that_is_too_large_is_refused(api, size):
    answer = api.send("/handoffs", b"x" * size)

    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")


@pytest.mark.parametrize(
    "media_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/x"]
)
def test_only_json_is_read(api, media_type):
    answer = api.client.post("/api/v1/handoffs", "{}", content_type=media_type)

    assert (answer.status_code, answer.json()["code"]) == (
        415,
        "unsupported_media_type",
    )


@pytest.mark.parametrize("encoding", ["gzip", "br", "deflate, gzip"])
def test_a_compressed_body_is_not_read(api, encoding):
    answer = api.client.post(
        "/api/v1/handoffs",
        "{}",
        content_type="application/json",
        headers={"Content-Encoding": encoding},
    )

    assert answer.status_code == 415


def test_a_charset_other_than_utf_8_does_not_count(api):
    answer = api.client.generic(
        "POST",
        "/api/v1/handoffs",
        '{"a": "é"}'.encode("latin-1"),
        content_type="application/json; charset=latin-1",
    )

    assert answer.json()["code"] == "malformed_body"
