import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from handoff.chat_systems import Conversation, EntryState, Opening, Speaker
from handoff.chat_systems.connect_support import ConnectSupport
from handoff.chat_systems.connect_support.reading import observe_entry
from handoff.models import Bot
from servicenow_auth.client import Instance
from servicenow_auth.exceptions import Ambiguous

PAYLOADS = Path(__file__).parent.parent / "payloads" / "connect_support"
GROUP = "c3" * 16
THERE = Conversation(group_id=GROUP)


def payload(name: str):
    return json.loads((PAYLOADS / f"{name}.json").read_text())


def opening(text: str) -> Opening:
    return Opening(id="1-1", queue_id="b2" * 16, text=text)


class Recorded(Instance):
    """An instance that answers from a list and remembers what it was asked."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = []

    def get(self, path, params=None, **timing):
        self.asked.append((path, dict(params or {})))
        return self.answers.pop(0)

    def post(self, path, body, **timing):
        self.asked.append((path, body))
        return self.answers.pop(0)


def test_a_start_reads_the_queue_entry():
    instance = Recorded(payload("queue_entry"))

    seen = ConnectSupport(Bot(), instance).start(THERE, opening("Printer is on fire"))

    assert instance.asked == [
        (
            f"/api/now/connect/support/queues/{'b2' * 16}/sessions",
            {"message": "Printer is on fire"},
        )
    ]
    assert (seen.state, seen.group_id) == (EntryState.WAITING, GROUP)
    assert (seen.number, seen.position, seen.wait_seconds) == ("CHAT0010042", 2, 190)


def test_a_start_whose_answer_names_no_conversation_is_ambiguous():
    with pytest.raises(Ambiguous):
        ConnectSupport(Bot(), Recorded({"result": {}})).start(THERE, opening("Hi"))


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        (1, EntryState.WAITING),
        ("2", EntryState.ACCEPTED),
        (3, EntryState.CLOSED),
        ("4", EntryState.ESCALATED),
        (7, EntryState.LEFT),
        (8, EntryState.ABANDONED),
        (6, EntryState.UNKNOWN),
        (None, EntryState.UNKNOWN),
    ],
)
def test_states_are_read_as_numbers_and_as_strings(state, expected):
    assert observe_entry({"state": state}).state == expected


def test_the_open_entry_counts_after_an_escalation():
    seen = ConnectSupport(Bot(), Recorded(payload("sessions_transferred"))).observe(
        THERE
    )

    assert (seen.state, seen.agent_id) == (EntryState.ACCEPTED, "e7" * 16)
    assert seen.queue_id == "b9" * 16


def test_messages_come_oldest_first_rendered_and_marked():
    messages = ConnectSupport(Bot(), Recorded(payload("messages"))).messages(THERE)

    note, said, closing = messages
    assert note.internal
    assert said.text == (
        "See INC0010001 (https://x.service-now.com/inc.do?id=1), @Don\n"
        "and 1 < 2 &amp; 3"
    )
    assert said.sent_at == datetime(2024, 5, 1, 9, 1, tzinfo=UTC)
    assert closing.speaker == Speaker.SYSTEM


def test_older_pages_are_asked_for_by_the_oldest_timestamp():
    rows = [
        {"sys_id": f"{number:032x}", "timestamp": 1000 + number, "message": "x"}
        for number in range(45)
    ]
    newest_first = rows[::-1]
    instance = Recorded({"result": newest_first[:30]}, {"result": newest_first[30:]})

    messages = ConnectSupport(Bot(), instance).messages(THERE)

    assert [message.sys_id for message in messages] == [row["sys_id"] for row in rows]
    assert instance.asked[1][1] == {"before": "1016"}


def test_a_server_that_repeats_its_page_does_not_hold_us():
    page = [
        {"sys_id": f"{number:032x}", "timestamp": 1000, "message": "x"}
        for number in range(30)
    ]
    instance = Recorded({"result": page}, {"result": page})

    assert len(ConnectSupport(Bot(), instance).messages(THERE)) == 30


@pytest.mark.parametrize(
    ("queue", "state"),
    [
        ({"sys_id": "b"}, "open"),
        ({"sys_id": "b", "not_available": "<p>Back at <b>9</b></p>"}, "closed"),
    ],
)
def test_a_queue_is_closed_when_it_says_why(queue, state):
    answer = ConnectSupport(Bot(), Recorded({"result": queue})).availability(
        queue_id="b"
    )

    assert answer.state == state
    assert answer.text == ("Back at 9" if state == "closed" else "")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"event": "other"},
        {"group": "c", "formatted_message": 1, "sys_created_by": "b"},
        {"formatted_message": "x", "sys_id": "1", "group": "c", "sys_created_by": "b"},
    ],
)
def test_a_body_of_no_known_kind_says_nothing(body):
    assert ConnectSupport.news(Bot(), body) == []
