"""Connect's conversations over REST: what is said comes back as it was written."""

import time

import pytest

from tests.sandbox.instance import AGENT, BOT

pytestmark = pytest.mark.real_http

AS_WRITTEN = [
    "She said \"no\" and 'yes' \\ /",
    "one\ntwo\n\n  three\r\nfour\ttab",
    "👩🏽‍💻 🏳️‍🌈 naïve 漢字 \U0001d4b3",
    "<b>bold</b> & &amp; <script>alert(1)</script>",
    "$1 ${2} \\$ {x}",
    "  spaces around  ",
    "ö" * 3_900,
]


def test_messages_are_made_as_the_user_who_calls(sandbox_instance):
    group = sandbox_instance.start()["group"]

    message = sandbox_instance.say(group, "Anybody there?", auth=BOT)

    assert message["created_by"] == BOT[0]
    assert message["sender_name"] == "Chatbot Interface"
    assert message["group"] == group
    assert abs(message["timestamp"] - time.time() * 1000) < 60_000
    profile = sandbox_instance.get(
        f"/api/now/live/profiles/{message['profile']}", auth=BOT
    )
    assert profile["name"] == "Chatbot Interface"
    same = f"/api/now/live/profiles/sys_user.{profile['document']}"
    assert sandbox_instance.get(same, auth=BOT) == profile


@pytest.mark.parametrize("text", AS_WRITTEN)
def test_a_text_comes_back_as_it_was_written(sandbox_instance, text):
    group = sandbox_instance.start()["group"]

    sandbox_instance.say(group, text, auth=BOT)

    newest = sandbox_instance.messages(group)[0]
    assert (newest["message"], newest["formatted_message"]) == (text, text)


@pytest.mark.parametrize(
    "body",
    [{"message": "x" * 4_001}, {"message": ""}, {}, {"message": 7}],
)
def test_a_message_that_is_none_is_refused(sandbox_instance, body):
    group = sandbox_instance.start()["group"]
    path = f"/api/now/connect/conversations/{group}/messages"

    assert sandbox_instance.call("POST", path, auth=BOT, json=body).status_code == 400
    assert len(sandbox_instance.messages(group)) == 1


@pytest.mark.parametrize(
    "data", [b"{", b"[]", b'{"message":"\\ud800"}', b"\xff", b"[" * 100_000]
)
def test_a_body_that_is_no_text_in_json_is_refused(sandbox_instance, data):
    group = sandbox_instance.start()["group"]
    path = f"/api/now/connect/conversations/{group}/messages"

    answer = sandbox_instance.call("POST", path, auth=BOT, data=data)

    assert answer.status_code == 400
    assert answer.json()["error"]["message"] == "Exception while reading request"


def test_messages_come_in_pages_of_thirty_newest_first(sandbox_instance):
    group = sandbox_instance.start("0")["group"]
    for number in range(1, 35):
        sandbox_instance.say(group, str(number), auth=BOT)

    page = sandbox_instance.messages(group)
    older = sandbox_instance.messages(group, before=str(page[-1]["timestamp"]))

    texts = [message["message"] for message in page + older]
    assert texts == [str(number) for number in range(34, -1, -1)]
    assert len(page) == 30
    before = str(older[-1]["timestamp"])
    assert sandbox_instance.messages(group, before=before) == []


def test_a_stranger_cannot_read_a_conversation(sandbox_instance):
    group = sandbox_instance.start()["group"]
    path = f"/api/now/connect/conversations/{group}/messages"

    assert sandbox_instance.call("GET", path, auth=AGENT).status_code == 403
    unknown = "/api/now/connect/conversations/none/messages"
    assert sandbox_instance.call("GET", unknown, auth=BOT).status_code == 404
