from uuid import uuid4

import pytest

from handoff.models import Handoff
from handoff.models.handoff import State
from tests.api.bots import api_of


def test_a_handoff_can_be_looked_at(api, handoff_id):
    Handoff.objects.filter(pk=handoff_id).update(
        state=State.QUEUED, position=2, wait_text="5 minutes", agent_name="Beth"
    )

    told = api.get(f"/handoffs/{handoff_id}").json()

    assert told["state"] == "queued"
    assert (told["position"], told["wait_text"]) == (2, "5 minutes")
    assert told["agent"] == {"name": "Beth", "avatar_url": None}


@pytest.mark.parametrize("number", ["nonsense", uuid4()])
def test_a_handoff_that_is_not_there_is_a_problem(api, number):
    answer = api.get(f"/handoffs/{number}")

    assert answer.status_code == 404
    assert answer["Content-Type"] == "application/problem+json"
    assert answer.json()["code"] == "not_found"


CALLS = [
    ("get", ""),
    ("get", "/messages"),
    ("get", "/transcript"),
    ("post", "/end"),
    ("post", "/messages"),
    ("post", "/typing"),
]


@pytest.mark.parametrize(("method", "path"), CALLS)
def test_another_bots_handoff_is_not_there(stranger, handoff_id, method, path):
    path = f"/handoffs/{handoff_id}{path}"
    body = {"id": "m-1", "text": "Hello", "typing": True}

    answer = stranger.get(path) if method == "get" else stranger.post(path, body)

    assert answer.status_code == 404
    assert not Handoff.objects.filter(pk=handoff_id).exclude(state="requested").exists()


@pytest.mark.parametrize(
    ("reason", "ended_by"), [("bot_ended", "bot"), ("user_left", "user")]
)
def test_an_end_is_final_at_once(api, handoff_id, reason, ended_by):
    answer = api.post(f"/handoffs/{handoff_id}/end", {"reason": reason})

    assert answer.status_code == 202
    told = answer.json()
    assert (told["state"], told["reason"], told["ended_by"]) == (
        "failed",
        reason,
        ended_by,
    )


def test_an_accepted_handoff_ends_completed(api, handoff_id):
    Handoff.objects.filter(pk=handoff_id).update(state=State.ACCEPTED)

    told = api.post(f"/handoffs/{handoff_id}/end", {"reason": "completed"}).json()

    assert (told["state"], told["reason"]) == ("ended", "completed")


def test_an_end_needs_no_body(api, handoff_id):
    answer = api.client.generic("POST", f"/api/v1/handoffs/{handoff_id}/end")

    assert answer.status_code == 202
    assert answer.json()["reason"] == "bot_ended"


def test_a_second_end_changes_nothing(api, handoff_id):
    first = api.post(f"/handoffs/{handoff_id}/end", {"reason": "user_left"})
    again = api.post(f"/handoffs/{handoff_id}/end", {"reason": "bot_ended"})

    assert again.status_code == 202
    assert again.json() == first.json()


def test_only_reasons_of_the_bot_end_a_handoff(api, handoff_id):
    answer = api.post(f"/handoffs/{handoff_id}/end", {"reason": "idle_timeout"})

    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == ["reason"]


def test_typing_is_taken_and_not_kept(api, handoff_id):
    answer = api.post(f"/handoffs/{handoff_id}/typing", {"typing": True})

    assert (answer.status_code, answer.content) == (204, b"")


@pytest.mark.parametrize("typing", ["true", 1, None])
def test_typing_is_true_or_false(api, handoff_id, typing):
    answer = api.post(f"/handoffs/{handoff_id}/typing", {"typing": typing})

    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == ["typing"]


def start(api, conversation: str) -> str:
    body = {"conversation_id": conversation, "message": "Help!"}
    return str(api.post("/handoffs", body).json()["id"])


def test_handoffs_are_found_by_conversation_and_state(api, stranger):
    over = start(api, "c-1")
    api.post(f"/handoffs/{over}/end")
    running, other = start(api, "c-1"), start(api, "c-2")
    start(stranger, "c-1")

    def found(**query):
        return [item["id"] for item in api.get("/handoffs", **query).json()["items"]]

    assert found() == [other, running, over]
    assert found(conversation_id="c-1") == [running, over]
    assert found(conversation_id="c-1", state="open") == [running]
    assert found(state="failed") == [over]


def test_a_list_of_handoffs_is_read_page_by_page(api):
    newest_first = [start(api, f"c-{number}") for number in range(5)][::-1]

    read: list[str] = []
    query: dict[str, object] = {"limit": 2}
    while True:
        answer = api.get("/handoffs", **query).json()
        read += [item["id"] for item in answer["items"]]
        if not answer["has_more"]:
            break
        query["after"] = answer["next"]

    assert read == newest_first
    assert answer["next"] == newest_first[-1]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"limit": 0}, "limit"),
        ({"limit": 201}, "limit"),
        ({"limit": "many"}, "limit"),
        ({"state": "lost"}, "state"),
        ({"after": "x"}, "after"),
        ({"after": uuid4()}, "after"),
        ({"conversation_id": "c\0"}, "conversation_id"),
    ],
)
def test_a_wrong_query_is_named(api, query, field):
    answer = api.get("/handoffs", **query)

    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == [field]


def test_another_bots_handoff_is_no_cursor(bot, stranger, handoff_id):
    assert stranger.get("/handoffs", after=handoff_id).status_code == 400


def test_a_second_key_of_the_bot_sees_the_same(bot, handoff_id):
    assert api_of(bot).get(f"/handoffs/{handoff_id}").status_code == 200
