import logging
from urllib.parse import urlencode

import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from config.logs import JsonFormatter
from handoff.models import Callback
from tests.callbacks.conftest import MESSAGE, call, signed

UNKNOWN = "/servicenow/callback/" + "0" * 40 + "/"


def test_an_unknown_address_and_a_wrong_signature_are_told_alike(url, secret):
    wrong = call(url, **(signed(secret) | {"webhook_signature": "v1,AAAA"}))
    unknown = call(UNKNOWN, **signed(secret))

    assert wrong.status_code == unknown.status_code == 401
    assert wrong.content == unknown.content
    assert wrong.headers == unknown.headers


def test_a_repeat_is_stored_once(url, secret):
    first, again = call(url, **signed(secret)), call(url, **signed(secret))

    assert (first.status_code, again.status_code) == (202, 202)
    assert first.content == again.content
    assert Callback.objects.count() == 1


def test_a_body_that_was_changed_on_the_way_is_refused(url, secret):
    changed = MESSAGE | {"formatted_message": "!"}
    assert call(url, changed, **signed(secret)).status_code == 401


# What is signed for later comes nearer while the test runs.
@pytest.mark.parametrize("age", [301, -320])
def test_a_signature_of_another_time_is_refused(url, secret, age):
    assert call(url, **signed(secret, age=age)).status_code == 401


@pytest.mark.parametrize("age", [290, -290])
def test_clocks_may_differ_by_five_minutes(url, secret, age):
    assert call(url, **signed(secret, age=age)).status_code == 202


@pytest.mark.parametrize(
    "change",
    [
        {"webhook_signature": ""},
        {"webhook_signature": "v1"},
        {"webhook_signature": "v1,@@"},
        {"webhook_signature": "v1,é"},
        {"webhook_signature": "v2," + "A" * 44},
        {"webhook_signature": "v1,AAAA " * 100},
        {"webhook_timestamp": ""},
        {"webhook_timestamp": "now"},
        {"webhook_timestamp": "9" * 400},
        {"webhook_timestamp": "1.5"},
        {"webhook_id": ""},
        {"webhook_id": "i" * 201},
        {"webhook_id": "other"},
    ],
)
def test_a_broken_signature_is_refused(url, secret, change):
    assert call(url, **(signed(secret) | change)).status_code == 401
    assert not Callback.objects.exists()


def test_one_good_signature_among_others_is_enough(url, secret):
    headers = signed(secret)
    headers["webhook_signature"] = f"v1,AAAA v1a,x {headers['webhook_signature']}"

    assert call(url, **headers).status_code == 202


def test_a_call_without_the_last_slash_is_not_lost(url, secret):
    assert call(url.rstrip("/"), **signed(secret)).status_code == 202


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "HEAD", "OPTIONS"])
def test_only_posts_are_taken(url, method):
    answer = Client().generic(method, url)

    assert answer.status_code == 405
    assert answer["Allow"] == "POST"
    assert answer["Content-Type"] == "application/problem+json"


def test_a_compressed_body_is_not_read(url, secret):
    headers = signed(secret) | {"Content_Encoding": "gzip"}

    assert call(url, **headers).status_code == 415


@pytest.mark.parametrize(
    "path", ["/servicenow/callback/%00/", "/servicenow/callback//"]
)
def test_an_address_that_can_be_none_is_not_found(db, path):
    assert call(path).json()["code"] == "not_found"


def test_a_callback_is_stored_in_three_statements(url, secret):
    headers = signed(secret)
    with CaptureQueriesContext(connection) as queries:
        call(url, **headers)

    # The bot, its secrets, the callback; a test's transaction adds savepoints.
    statements = [query["sql"].split()[0] for query in queries]
    assert [s for s in statements if s in ("SELECT", "INSERT", "UPDATE")] == [
        "SELECT",
        "SELECT",
        "INSERT",
    ]


def test_a_database_that_cannot_store_is_never_a_202(url, secret):
    def full(execute, sql, params, many, context):
        if sql.startswith("INSERT"):
            raise OperationalError("disk full")
        return execute(sql, params, many, context)

    headers = signed(secret)
    with connection.execute_wrapper(full):
        answer = call(url, **headers)

    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert not Callback.objects.exists()


def test_strangers_are_limited_and_the_real_one_is_not(url, secret, settings):
    settings.RATE_LIMIT_STRANGERS = 2
    answers = [call(UNKNOWN) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [401, 401, 429]
    assert int(answers[2]["Retry-After"]) > 0
    assert call(url, **signed(secret)).status_code == 202


def test_neither_address_nor_secret_of_a_call_is_logged(bot, url, secret, caplog):
    query = urlencode({"secret": secret})
    call(f"{url}?{query}")
    access_log = logging.getLogger("access")
    access_log.warning('"POST %s HTTP/1.1" 401 99', f"{url}?{query}")

    logged = "".join(JsonFormatter().format(record) for record in caplog.records)
    assert "/servicenow/callback/[redacted]?secret=[redacted]" in logged
    assert bot.callback_id not in logged
    assert secret not in logged
    assert query not in logged
