"""What is read of our own texts from the tables of the conversation server."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from handoff.chat_systems.agent_chat import records
from tests.chat_systems.wire import GROUP, HOST, INTERACTION

CONVERSATION = "5e" * 16
ONE, TWO = "1" * 32, "2" * 32


def row(sys_id: str, payload: str, **fields: Any) -> dict[str, Any]:
    about = {"conversation": CONVERSATION, "direction": "inbound"}
    at = {"sys_created_on": "2026-11-22 09:30:12"}
    return {"sys_id": sys_id, "payload": payload} | about | at | fields


@pytest.fixture
def read(http, agent_chat, there):
    """Read what the tables are made to show."""

    def read(*rows: dict[str, Any]) -> list[tuple[str, str]]:
        document = {"channel_metadata_document": CONVERSATION}
        http.get(
            f"{HOST}{records.INTERACTION}/{INTERACTION}", json={"result": document}
        )
        http.get(f"{HOST}{records.MESSAGES}", json={"result": list(rows)})
        said = agent_chat().messages(replace(there, entry_id=INTERACTION))
        return [(message.sys_id, message.text) for message in said]

    return read


def test_our_texts_are_asked_for_by_their_conversation(http, read):
    assert read(row(ONE, "Hello"), row(TWO, "Anybody?")) == [
        (ONE, "Hello"),
        (TWO, "Anybody?"),
    ]
    query = f"conversation={CONVERSATION}^direction=inbound^ORDERBYsys_created_on"
    assert http.calls[-1].request.params["sysparm_query"] == query


def test_they_are_ours_and_have_a_time(http, agent_chat, there, read):
    read(row(ONE, "Hello"))
    system = agent_chat()
    system.bot.connection.runtime.user_name = "chatbot.interface"

    (said,) = system.messages(replace(there, entry_id=INTERACTION))

    assert (said.group_id, said.author) == (GROUP, "chatbot.interface")
    assert said.sent_at == datetime(2026, 11, 22, 9, 30, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("payload", "text"),
    [
        ('{"uiType": "InputText", "value": "Hello"}', "Hello"),
        ('{"text": "Hello"}', "Hello"),
        ('{"other": 1}', '{"other": 1}'),
        ("[1]", "[1]"),
        ("<b>Hello</b>", "<b>Hello</b>"),
    ],
)
def test_a_text_may_stand_in_json(read, payload, text):
    assert read(row(ONE, payload)) == [(ONE, text)]


def test_what_an_ignored_query_lets_through_is_left_out(read):
    others = row(TWO, "Hello", conversation="9" * 32)
    agents = row("3" * 32, "Hello", direction="outbound")

    assert read(row(ONE, "Hello"), others, agents) == [(ONE, "Hello")]


def test_where_one_text_cannot_be_told_none_is(read):
    assert read(row(ONE, "Hello"), row(TWO, "")) == []


def test_where_there_may_be_more_none_is_told(read, monkeypatch):
    monkeypatch.setattr(records, "LIMIT", 2)

    assert read(row(ONE, "Hello"), row(TWO, "Anybody?")) == []


def test_an_interaction_that_names_no_conversation_shows_nothing(
    http, agent_chat, there
):
    path = f"{HOST}{records.INTERACTION}/{INTERACTION}"
    http.get(path, json={"result": {"channel_metadata_document": ""}})

    assert agent_chat().messages(replace(there, entry_id=INTERACTION)) == []
