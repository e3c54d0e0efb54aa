"""How a conversation is opened: by each strategy, and what if a request fails."""

import time
from datetime import UTC, datetime

import pytest
import requests

from handoff.chat_systems import EntryState, Opening
from handoff.models.message import Role
from handoff.opening import TranscriptEntry
from servicenow_auth.exceptions import (
    Ambiguous,
    NotSent,
    Rejected,
    Throttled,
    TooLate,
    Unauthorized,
)
from tests.chat_systems.wire import (
    ALWAYS,
    CONTEXT,
    CREATED,
    GROUP,
    NO,
    RECEIVED,
    URL,
    WAITING,
    asked,
    envelope,
)

QUEUE = "b2" * 16
QUESTION = {"text": "My door is jammed.", "typed": True, "clientMessageId": "7-1"}


def opening(**fields):
    return Opening(id="7-1", text="My door is jammed.", queue_id="", **fields)


def answers(http, *in_turn):
    for answer in in_turn:
        http.post(URL, **answer)


def test_a_conversation_is_created_and_then_started(http, agent_chat, there):
    answers(http, {"json": CREATED}, {"json": WAITING})

    seen = agent_chat().start(there, opening())

    create, start = asked(http)
    assert create == ALWAYS | {
        "requestId": "7-1-create",
        "action": "CREATE_CONVERSATION",
        "syncResponse": True,
        "contextVariables": CONTEXT,
    }
    assert start == ALWAYS | {
        "requestId": "7-1",
        "action": "START_CREATED_CONVERSATION",
        "syncResponse": True,
        "message": QUESTION,
    }
    assert (seen.state, seen.group_id) == (EntryState.WAITING, GROUP)
    assert (seen.wait_text, seen.wait_seconds) == ("2 Minutes", 120)


@pytest.mark.parametrize(
    "unknown",
    [
        {"json": RECEIVED},
        {"json": {"status": "failure"}},
        {"json": NO, "status": 400},
        {"json": NO, "status": 404},
        {"json": NO, "status": 405},
        {"json": NO, "status": 500},
    ],
)
def test_an_app_that_cannot_create_is_started_at_once(unknown, http, agent_chat, there):
    answers(http, unknown, {"json": RECEIVED})

    seen = agent_chat().start(there, opening())

    assert asked(http)[1] == ALWAYS | {
        "requestId": "7-1",
        "action": "START_CONVERSATION",
        "contextVariables": CONTEXT,
        "message": QUESTION,
    }
    assert (seen.state, seen.group_id) == (EntryState.UNKNOWN, GROUP)


@pytest.mark.parametrize(
    ("strategy", "action"), [("start", "START_CONVERSATION"), ("agent", "AGENT")]
)
def test_other_strategies_say_all_in_one_request(
    strategy, action, http, agent_chat, there
):
    answers(http, {"json": RECEIVED})

    seen = agent_chat(start_strategy=strategy).start(there, opening())

    assert asked(http) == [
        ALWAYS
        | {
            "requestId": "7-1",
            "action": action,
            "contextVariables": CONTEXT,
            "message": QUESTION,
        }
    ]
    assert seen.state == EntryState.UNKNOWN


def test_what_routes_goes_as_strings_and_ours_win(http, agent_chat, there):
    answers(http, {"json": RECEIVED})
    context = {
        "tier": "gold",
        "orders": [1042, None],
        "vip": True,
        "live_agent_only": "false",
    }

    system = agent_chat(start_strategy="start", queue_variable="liveagent_queue")
    system.start(
        there,
        Opening(
            id="7-1",
            text="Hi",
            queue_id=QUEUE,
            skills=["de", "doors"],
            context=context,
        ),
    )

    assert asked(http)[0]["contextVariables"] == CONTEXT | {
        "tier": "gold",
        "orders": "[1042, null]",
        "vip": "true",
        "mandatory_skills": "de,doors",
        "liveagent_queue": QUEUE,
    }


def test_what_was_said_before_goes_with_the_first_request(http, agent_chat, there):
    answers(http, {"json": CREATED}, {"json": RECEIVED})
    said_at = datetime(2025, 10, 9, 8, 53, 20, tzinfo=UTC)
    transcript = [
        TranscriptEntry(role=Role.USER, text="My door!"),
        TranscriptEntry(role=Role.BOT, text="Which one?", sent_at=said_at),
        TranscriptEntry(role=Role.AGENT, text="Hold on."),
        TranscriptEntry(role=Role.USER, text="The red one."),
    ]

    agent_chat().start(there, opening(transcript=transcript))

    create, start = asked(http)
    assert create["history"] == [
        {
            "isBotMessage": is_bot,
            "value": text,
            "displayName": name,
            "type": "text",
            "timestamp": "1760000000000",
        }
        for is_bot, text, name in [
            (False, "My door!", "Ada"),
            (True, "Which one?", "Bot"),
            (True, "Hold on.", "Agent"),
            (False, "The red one.", "Ada"),
        ]
    ]
    assert "history" not in start


def test_a_transcript_without_times_is_of_now(http, agent_chat, there):
    answers(http, {"json": RECEIVED})

    system = agent_chat(start_strategy="start")
    system.start(there, opening(transcript=[TranscriptEntry(role=Role.USER, text="x")]))

    [item] = asked(http)[0]["history"]
    assert int(item["timestamp"]) == pytest.approx(time.time() * 1000, abs=30_000)


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        (envelope({"actionType": "SwitchToLiveAgent"}), EntryState.ACCEPTED),
        (envelope(takeControl=True, score=0), EntryState.FAULTED),
        (
            envelope(
                {"uiType": "OutputText", "value": "There are no agents available now."},
                completed=True,
            ),
            EntryState.NO_AGENT,
        ),
    ],
)
def test_an_answer_that_tells_more_is_believed(answer, state, http, agent_chat, there):
    answers(http, {"json": CREATED}, {"json": {"result": answer}})

    seen = agent_chat().start(there, opening())

    assert (seen.state, seen.group_id) == (state, GROUP)


@pytest.mark.parametrize("step", [0, 1])
@pytest.mark.parametrize(
    ("failure", "outcome"),
    [
        ({"body": requests.ConnectionError()}, NotSent),
        ({"json": NO, "status": 429}, Throttled),
        ({"json": NO, "status": 401}, Unauthorized),
        ({"json": NO, "status": 403}, Rejected),
        ({"body": "<html>", "status": 502}, Ambiguous),
    ],
)
def test_a_failure_stops_the_start_and_stands_for_it(
    step, failure, outcome, http, agent_chat, there
):
    answers(http, *[{"json": CREATED}] * step, failure)

    with pytest.raises(outcome):
        agent_chat().start(there, opening())


def test_a_start_is_refused_where_starting_is(http, agent_chat, there):
    answers(http, {"json": CREATED}, {"json": NO, "status": 400})

    with pytest.raises(Rejected):
        agent_chat().start(there, opening())


def test_a_start_that_broke_off_is_made_again_under_the_same_ids(
    http, agent_chat, there
):
    system = agent_chat()
    answers(http, {"json": CREATED}, {"body": requests.ConnectionError()})
    with pytest.raises(NotSent):
        system.start(there, opening())

    http.reset()
    answers(http, {"json": CREATED}, {"json": WAITING})
    seen = system.start(there, opening())

    assert [body["requestId"] for body in asked(http)] == ["7-1-create", "7-1"]
    assert seen.state == EntryState.WAITING


def test_no_request_of_a_start_leaves_too_late(http, agent_chat, there, monkeypatch):
    system = agent_chat()
    with pytest.raises(TooLate):
        system.start(there, opening(), send_before=time.monotonic())

    limit = time.monotonic() + 60

    def created_slowly(request):
        monkeypatch.setattr(time, "monotonic", lambda: limit + 1)
        return 200, {}, '{"body": {"actionType": "CreateConversation"}}'

    http.add_callback("POST", URL, created_slowly)
    with pytest.raises(TooLate):
        system.start(there, opening(), send_before=limit)
    assert len(http.calls) == 1
