import pytest
import requests

from handoff.api import waiting
from servicenow_auth.fields import Secret
from servicenow_auth.models import AuthorizationType
from tests.api.bots import QUEUE

HOST = "https://dev12345.service-now.com"
QUEUES = f"{HOST}/api/now/connect/support/queues"


@pytest.fixture
def connected(bot):
    connection = bot.connection
    connection.host_url = HOST
    connection.authorization_type = AuthorizationType.BASIC
    connection.user_name = "chatbot.interface"
    connection.password = Secret("correct horse")
    connection.save()
    return bot


def test_an_open_queue_is_told_with_its_wait(connected, api, http):
    queue = {"result": {"sys_id": QUEUE, "average_wait_time": "2 minutes"}}
    http.get(f"{QUEUES}/{QUEUE}", json=queue)

    assert api.get("/availability").json() == {
        "state": "open",
        "text": None,
        "wait_seconds": 120,
        "wait_text": "2 minutes",
    }


def test_a_closed_queue_tells_its_own_text_without_markup(connected, api, http):
    other = "b" * 32
    text = "<p>Back on <b>Monday</b></p><script>alert(1)</script>"
    http.get(f"{QUEUES}/{other}", json={"result": {"not_available": text}})

    told = api.get("/availability", queue=other).json()

    assert told["state"] == "closed"
    assert "Back on Monday" in told["text"]
    assert "<" not in told["text"]


@pytest.mark.parametrize(
    "answer",
    [
        {"status": 500, "body": "<html>"},
        {"status": 429},
        {"body": requests.ConnectionError("refused")},
    ],
)
def test_a_servicenow_that_does_not_tell_is_unknown(connected, api, http, answer):
    http.get(f"{QUEUES}/{QUEUE}", **answer)

    told = api.get("/availability")

    assert told.status_code == 200
    assert told.json()["state"] == "unknown"


def test_servicenow_is_not_asked_when_every_seat_is_taken(connected, api, settings):
    seats = max(1, settings.WEB_THREADS // 4)
    taken = [waiting._seats.acquire(blocking=False) for _ in range(seats)]
    try:
        told = api.get("/availability").json()
    finally:
        for _ in taken:
            waiting._seats.release()

    assert told["state"] == "unknown"


def test_a_queue_is_a_sys_id(api):
    answer = api.get("/availability", queue="../../sys_user")

    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == ["queue"]
