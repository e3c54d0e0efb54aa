"""A run that shows too little, and what is wrong beside single conversations."""

import json
import os
import socket
import threading
from collections import Counter
from dataclasses import replace

import pytest

from tests.chaos.conversations import Conversation
from tests.chaos.desk import Chat
from tests.chaos.judge import Tally
from tests.chaos.nemesis import is_connected
from tests.chaos.plan import (
    ABLATIONS,
    AGENT_CHAT,
    CONNECT_SUPPORT,
    Plan,
    ablation,
    quick,
)
from tests.chaos.postmaster import Post, Postmaster
from tests.chaos.records import held
from tests.chaos.run import missing_faults
from tests.chaos.verdict import (
    TO_BOT,
    TO_SERVICENOW,
    Told,
    Verdict,
    came_about,
    judge_extent,
    judge_feed,
    strangers,
)

FEED = [{"id": f"e-{number}", "feed_sequence": number} for number in (1, 2, 3)]
WHOLE = Told(feed=FEED, followed=FEED, deliveries=Counter(["e-1", "e-2", "e-2", "e-3"]))


def told_of(told: Told) -> Verdict:
    verdict = Verdict()
    judge_feed(verdict, told)
    return verdict


def test_feed_and_webhooks_agree():
    verdict = told_of(WHOLE)

    assert verdict.violations == 0
    assert verdict.webhooks == {"events": 3, "received": 4, "repeated": 1}


@pytest.mark.parametrize(
    "changes",
    [
        {"followed": FEED[:2]},
        {"followed": []},
        {"followed": [FEED[0], FEED[2]]},
        {"feed": [FEED[0], FEED[2]], "followed": [FEED[0], FEED[2]]},
        {"deliveries": Counter(["e-1", "e-2"])},
        {"deliveries": Counter(["e-1", "e-2", "e-3", "e-4"])},
        {"forged": 1},
    ],
)
def test_feed_and_webhooks_that_disagree_are_wrong(changes):
    assert told_of(replace(WHOLE, **changes)).violations


def conversation() -> Conversation:
    return Conversation(
        number=1,
        system=AGENT_CHAT,
        to_say=["yes"] * 8,
        to_reply=["no"] * 8,
        agent_ends=True,
    )


@pytest.mark.parametrize(("seen", "wrong"), [(0, 2), (1, 2), (2, 0), (8, 0)])
def test_a_run_in_which_next_to_nothing_was_seen_proves_nothing(seen, wrong):
    verdict = Verdict()
    for direction in (TO_SERVICENOW, TO_BOT):
        verdict.add(AGENT_CHAT, direction, Tally(accepted=8, seen=seen), name="c-1")

    judge_extent(verdict, [conversation()], system=AGENT_CHAT)

    assert verdict.violations == wrong


def test_a_run_without_conversations_proves_nothing():
    verdict = Verdict()

    judge_extent(verdict, [], system=CONNECT_SUPPORT)

    assert verdict.violations == 2


@pytest.mark.parametrize(("system", "most"), [(AGENT_CHAT, 0), (CONNECT_SUPPORT, 1)])
def test_a_chat_that_never_opened_is_no_chat_of_agent_chat_alone(system, most):
    one = replace(conversation(), handoff_id="h")
    feed = [{"type": "handoff.failed", "handoff": {"id": "h"}}]

    assert len(came_about([one], feed, system=system)) == most


def test_a_chat_that_nobody_asked_for_is_a_stranger():
    asked, other = (
        Chat(sys_id=text, group=text, question=text, is_waiting=False, is_open=False)
        for text in ("Question 1", "yes")
    )

    assert strangers([conversation()], [asked, other]) == [other]


@pytest.mark.parametrize(
    ("deliveries", "expected"),
    [
        (["sent", "pending"], [False, False]),
        (["sent", "sending", "pending"], [False, True, True]),
        (["sending", "failed", "sent", "pending"], [True, False, False, True]),
    ],
)
def test_what_is_pending_is_held_by_an_unknown_outcome_before_it(deliveries, expected):
    assert held(deliveries) == expected


@pytest.mark.parametrize(
    ("body", "status", "is_turned_away"),
    [
        (json.dumps({"body": []}), 202, False),
        (json.dumps({"body": []}), 401, True),
        (json.dumps({"body": []}), 503, False),
        (json.dumps({"body": []}), None, False),
        (json.dumps({"body": []})[:5], 400, False),
    ],
)
def test_a_sound_post_must_not_be_turned_away(body, status, is_turned_away):
    assert Post(body.encode(), status=status).is_turned_away is is_turned_away


def _hang_up(server: socket.socket) -> None:
    connection, _ = server.accept()
    connection.close()


@pytest.mark.real_http
def test_a_post_that_nobody_was_there_for_was_not_taken():
    with socket.create_server(("127.0.0.1", 0)) as server:
        target = f"http://127.0.0.1:{server.getsockname()[1]}"
        hang_up = threading.Thread(target=_hang_up, args=(server,))
        hang_up.start()
        with Postmaster(target) as postmaster:
            postmaster.pass_on("/", b"{}", {})
            hang_up.join()
            server.close()
            postmaster.pass_on("/", b"{}", {})

    assert [post.taken for post in postmaster.posts] == [None, False]


def test_a_run_tells_what_did_not_strike():
    plan = quick(Plan(seed=1))
    calls, callbacks = {"fault_502_after": 20}, {"fault_callback_late": 20}

    assert missing_faults(plan, Counter(calls | callbacks)) == []
    assert missing_faults(plan, Counter(calls)) == ["no faults of callbacks"]
    assert missing_faults(plan, Counter(callbacks)) == ["no faults of calls"]
    assert len(missing_faults(plan, Counter())) == 3
    peaceful = ablation(replace(plan, without="settle"))
    assert missing_faults(peaceful, Counter({"fault_latency": 20})) == []


@pytest.mark.parametrize(
    "plan",
    [
        Plan(seed=1),
        quick(Plan(seed=1)),
        *(ablation(Plan(seed=1, without=rule)) for rule in ABLATIONS),
    ],
)
def test_no_fault_of_a_plan_breaks_what_the_product_relies_on(plan):
    """Else messages come twice with all rules, and an ablation shows nothing."""
    timing = plan.timing

    assert timing.deadline < timing.late < timing.limit


def test_who_talks_to_a_server_is_connected_to_it():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        assert not is_connected(os.getpid(), port=port)
        with socket.create_connection(("127.0.0.1", port)) as client:
            assert is_connected(os.getpid(), port=port)
            _hang_up(server)
            assert client.recv(1) == b""
            assert not is_connected(os.getpid(), port=port)
