"""Faults that strike the integration user's calls of the API."""

import time
from collections.abc import Iterator

import pytest
import requests

from tests.sandbox.faulty import Chat, Stopwatch, open_chat
from tests.sandbox.instance import AGENT, BOT, Instance
from tests.sandbox.oauth import Application

pytestmark = pytest.mark.real_http

CANCELLED = "Transaction cancelled: maximum execution time exceeded"


@pytest.fixture
def chat(sandbox_instance: Instance) -> Iterator[Chat]:
    """An open chat; what a test does to the switches is undone."""
    before = sandbox_instance.call("GET", "/sandbox/api/switches").json()
    yield open_chat(sandbox_instance)
    sandbox_instance.switch(**before)


def test_nothing_strikes_by_default(tmp_instance):
    chat = open_chat(tmp_instance)

    assert chat.say("one").status_code == 200

    assert chat.struck() == {}
    assert {call["fault"] for call in tmp_instance.calls()["calls"]} == {""}


@pytest.mark.parametrize(
    ("fault", "status", "is_applied"),
    [
        ("fault_429", 429, False),
        ("fault_429_bare", 429, False),
        ("fault_202_dropped", 202, False),
        ("fault_500_before", 500, False),
        ("fault_500_after", 500, True),
        ("fault_502_before", 502, False),
        ("fault_502_after", 502, True),
        ("fault_hibernation", 200, False),
        ("fault_truncated", 200, True),
        ("fault_latency", 200, True),
        ("fault_revoked_token", 401, False),
    ],
)
def test_a_fault_answers_and_does_as_it_says(chat, fault, status, is_applied):
    settings = {"fault_latency_ms": 1, "fault_revoked_token_seconds": 0}
    chat.instance.switch(**{fault: 100}, **settings)

    answer = chat.say("struck")

    assert answer.status_code == status
    assert ("struck" in chat.written()) == is_applied


@pytest.mark.parametrize("what", ["hang_up", "silence"])
@pytest.mark.parametrize(("when", "is_applied"), [("before", False), ("after", True)])
def test_a_call_may_get_no_answer_at_all(chat, what, when, is_applied):
    chat.instance.switch(**{f"fault_{what}_{when}": 100, "fault_silence_seconds": 1})
    watch = Stopwatch()

    with pytest.raises(requests.ConnectionError):
        chat.say("struck")

    assert (watch.seconds >= 1) == (what == "silence")
    assert ("struck" in chat.written()) == is_applied
    log = chat.instance.calls(fault=f"fault_{what}_{when}")["calls"]
    assert log[-1]["status"] == 444


def test_a_connection_that_was_cut_serves_no_second_call(chat):
    chat.instance.switch(fault_hang_up_before=100)
    with requests.Session() as session:
        for _ in range(2):
            with pytest.raises(requests.ConnectionError):
                session.get(chat.instance.url + chat.path, auth=BOT, timeout=5)


def test_a_429_tells_how_long_where_it_has_headers(chat):
    chat.instance.switch(fault_429=100, fault_429_seconds=7)
    headers = chat.say("one").headers

    assert headers["Retry-After"] == "7"
    assert 5 <= int(headers["X-RateLimit-Reset"]) - time.time() <= 8
    assert int(headers["X-RateLimit-Limit"]) > 0
    assert len(headers["X-RateLimit-Rule"]) == 32

    chat.instance.switch(fault_429=0, fault_429_bare=100)
    bare = chat.say("two")
    assert not [name for name in bare.headers if "Ratelimit" in name.title()]
    assert "Retry-After" not in bare.headers
    assert bare.json()["error"]["message"] == "Rate limit exceeded"


def test_a_cancelled_transaction_has_the_platforms_envelope(chat):
    chat.instance.switch(fault_500_after=100)

    body = chat.say("one").json()

    assert (body["status"], body["error"]["message"]) == ("failure", CANCELLED)


@pytest.mark.parametrize("fault", ["fault_502_before", "fault_hibernation"])
def test_a_page_comes_where_json_was_asked_for(chat, fault):
    chat.instance.switch(**{fault: 100})

    answer = chat.say("one")

    assert answer.headers["Content-Type"].startswith("text/html")
    assert "<title>" in answer.text


def test_a_truncated_answer_is_half_of_the_json(chat):
    chat.instance.switch(fault_truncated=100)

    answer = chat.say("one")

    assert answer.headers["Content-Type"].startswith("application/json")
    assert answer.text.startswith('{"result"')
    with pytest.raises(requests.JSONDecodeError):
        answer.json()


def test_latency_is_as_long_as_it_says(chat):
    chat.instance.switch(fault_latency=100, fault_latency_ms=300)
    watch = Stopwatch()

    assert chat.say("one").json()["result"]["message"] == "one"

    assert watch.seconds >= 0.3


def test_a_revoked_token_is_dead_and_the_next_one_works(chat):
    application = Application.register(chat.instance)
    tokens = application.password_grant()
    # No pause: another test may just have had its strike.
    chat.instance.switch(fault_revoked_token=100, fault_revoked_token_seconds=0)
    with_token = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert chat.say("one", auth=None, headers=with_token).status_code == 401
    chat.instance.switch(fault_revoked_token_seconds=600)

    fresh = application.refresh(tokens["refresh_token"]).json()["access_token"]
    with_fresh = {"Authorization": f"Bearer {fresh}"}

    assert chat.say("two", auth=None, headers=with_fresh).status_code == 200
    assert chat.say("three", auth=None, headers=with_token).status_code == 401


@pytest.mark.parametrize(
    ("fault", "shown"),
    [
        ("fault_hidden_own", {"agent", "greeting"}),
        ("fault_hidden_others", {"own", "Hello"}),
        ("fault_hidden_all", set()),
    ],
)
def test_hidden_messages_are_missing_without_a_word(chat, fault, shown):
    chat.say("own")
    chat.agent_says("agent")
    chat.instance.switch(**{fault: 100})

    read = chat.instance.messages(chat.group)
    query = {"sysparm_query": f"group={chat.group}"}
    rows = chat.instance.get("/api/now/table/live_message", auth=BOT, **query)

    for found in (read, rows):
        texts = {message["message"] for message in found}
        greeted = {"greeting" if "thank you" in text else text for text in texts}
        assert greeted == shown
    assert len(chat.written()) == 4


def test_where_all_is_hidden_there_is_no_session_and_no_row(chat):
    chat.instance.switch(fault_hidden_all=100)
    path = "/api/now/connect/support/sessions"

    assert chat.instance.get(path, auth=BOT, group_id=chat.group) == []
    row = f"/api/now/table/live_group_profile/{chat.group}"
    assert chat.instance.call("GET", row, auth=BOT).status_code == 404


def test_a_file_is_never_cut_off(chat):
    record = {"table_name": "live_group_profile", "table_sys_id": chat.group}
    sent = chat.instance.call(
        "POST",
        "/api/now/attachment/file",
        auth=BOT,
        params=record | {"file_name": "a.bin"},
        data=b"0123456789",
        headers={"Content-Type": "application/octet-stream"},
    ).json()["result"]["sys_id"]
    chat.instance.switch(fault_truncated=100)

    path = f"/api/now/attachment/{sent}/file"

    assert chat.instance.call("GET", path, auth=BOT).content == b"0123456789"


def test_agents_and_administrators_are_never_struck(chat, browser):
    chat.instance.switch(fault_500_before=100)

    browser.log_in(AGENT)
    entry = chat.instance.table("chat_queue_entry", sysparm_query=f"group={chat.group}")
    path = f"/desk/chats/{entry[0]['sys_id']}/messages/"
    page = browser.get("/desk/")
    assert browser.submit(page, action=path, text="by desk").status_code == 302
    chat.agent_says("by API")

    assert chat.written()[-2:] == ["by desk", "by API"]
    assert chat.instance.call("GET", chat.path, auth=BOT).status_code == 500


def test_a_stranger_is_told_so_and_strikes_nothing(chat):
    chat.instance.switch(fault_202_dropped=100)
    before = chat.struck()

    assert chat.say("one", auth=("nobody", "")).status_code == 401

    assert chat.struck() == before


def outcomes(chat: Chat, *, seed: int) -> list[int]:
    chat.instance.switch(fault_seed=seed)
    return [chat.say("again").status_code for _ in range(16)]


def test_the_same_seed_brings_the_same_run_again(chat):
    chat.instance.switch(fault_429=30, fault_500_before=30)

    first = outcomes(chat, seed=7)

    assert set(first) == {200, 429, 500}
    assert outcomes(chat, seed=8) != first
    assert outcomes(chat, seed=7) == first


def test_strikes_are_counted_by_kind_and_named_in_the_log(tmp_instance):
    chat = open_chat(tmp_instance)
    tmp_instance.switch(fault_500_after=100)
    for _ in range(3):
        chat.say("one")
    tmp_instance.switch(fault_500_after=0, fault_202_dropped=100)
    chat.say("two")

    assert chat.struck() == {"fault_500_after": 3, "fault_202_dropped": 1}
    assert tmp_instance.call("GET", "/sandbox/api/faults").json()["count"] == 4
    log = tmp_instance.calls(fault="fault_500_after")
    assert (log["count"], log["calls"][0]["status"]) == (3, 500)
    assert log["calls"][0]["user_name"] == BOT[0]
