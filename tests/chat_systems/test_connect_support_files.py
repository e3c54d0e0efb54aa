"""Files of Connect Support, both ways."""

from collections.abc import Container
from datetime import UTC, datetime
from typing import Any

import pytest

from handoff.chat_systems import (
    Conversation,
    InboundFile,
    InboundMessage,
    OutboundFile,
    OutboundMessage,
    UploadUnclear,
)
from handoff.chat_systems.connect_support import ConnectSupport
from handoff.chat_systems.connect_support.reading import read_message
from handoff.models import Bot
from servicenow_auth.client import Instance
from servicenow_auth.exceptions import Ambiguous, NotSent, Rejected, Throttled
from servicenow_auth.models import Connection, ConnectionRuntime

GROUP = "c3" * 16
FILE = "f1" * 16
OTHER = "f2" * 16
THERE = Conversation(group_id=GROUP)
DOOR = OutboundFile(
    id="1",
    file_name="door.png",
    content_type="image/png",
    url="https://handoff.example.com/f",
    token="t",
    read=lambda: b"\x89PNG",
)


def door() -> OutboundMessage:
    return OutboundMessage(id="1-2", text="File: door.png", file=DOOR)


class Recorded(Instance):
    """An instance that answers from a list and remembers what it was asked."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.asked: list[Any] = []

    def _next(self, *asked: Any) -> Any:
        self.asked.append(asked)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def get(self, path, params=None):
        return self._next(path, dict(params or {}))

    def post(self, path, body, **timing):
        return self._next(path, body)

    def post_file(self, path, params, *, content, content_type, send_before=None):
        return self._next(path, params, content, content_type)

    def get_file(self, path, *, max_bytes):
        return self._next(path, max_bytes)


def connect(*answers: Any) -> tuple[ConnectSupport, Recorded]:
    connection = Connection()
    connection.runtime = ConnectionRuntime(user_name="chatbot.interface")
    instance = Recorded(*answers)
    return ConnectSupport(Bot(connection=connection), instance), instance


def test_a_file_is_uploaded_and_then_named_by_a_message():
    system, instance = connect(
        {"result": {"sys_id": FILE}}, {"result": {"sys_id": "e" * 32}}
    )

    assert system.send(THERE, door()) == "e" * 32
    assert instance.asked == [
        (
            "/api/now/attachment/file",
            {
                "table_name": "live_group_profile",
                "table_sys_id": GROUP,
                "file_name": "door.png",
            },
            b"\x89PNG",
            "image/png",
        ),
        (
            f"/api/now/connect/conversations/{GROUP}/messages",
            {
                "message": "File: door.png",
                "group": GROUP,
                "reflected_field": "comments",
                "attachments": [FILE],
            },
        ),
    ]


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        (Ambiguous("No complete answer came in time."), UploadUnclear),
        ({"result": {}}, UploadUnclear),
        ({"result": {"sys_id": "../../x"}}, UploadUnclear),
        (NotSent("Not sent."), NotSent),
        (Throttled("Wait.", retry_after=3), Throttled),
        (Rejected("No .exe here.", status=403), Rejected),
    ],
)
def test_without_its_file_no_message_is_sent(answer, outcome):
    system, instance = connect(answer)

    with pytest.raises(outcome):
        system.send(THERE, door())

    assert len(instance.asked) == 1


def test_a_message_of_unknown_outcome_stays_so():
    system, _ = connect({"result": {"sys_id": FILE}}, Ambiguous("Silence."))

    with pytest.raises(Ambiguous):
        system.send(THERE, door())


def message(**row: Any) -> InboundMessage:
    return read_message({"group": GROUP, "sys_id": "a1" * 16} | row)


def row(sys_id: str, at: str, *, name: str = "x.png", by: str = "beth") -> Any:
    return {
        "sys_id": sys_id,
        "file_name": name,
        "sys_created_by": by,
        "sys_created_on": f"2026-11-22 10:00:{at}",
    }


def found(said: InboundMessage, *rows: Any, known: Container[str] = ()) -> Any:
    system, instance = connect({"result": list(rows)})
    files = system.files_of(THERE, said, known=known)
    return [(file.source, file.file_name) for file in files], instance


SHOWN = [{"sys_id": FILE, "file_name": "x.png", "size_bytes": "9"}]


def test_a_message_that_shows_its_files_has_no_label():
    said = message(message="File: x.png", attachments=SHOWN)

    assert (said.text, said.html) == ("", "")
    assert said.files == [InboundFile(source=FILE, file_name="x.png")]
    system, instance = connect()
    assert system.files_of(THERE, said, known=set()) == said.files
    assert instance.asked == []


def test_a_text_beside_files_stays():
    assert message(message="See this", attachments=SHOWN).text == "See this"


@pytest.mark.parametrize(
    "shown", [None, "x", 7, [], [None], [{}], [{"sys_id": "a/b"}], [["x"]]]
)
def test_what_is_no_list_of_files_is_passed_over(shown):
    assert message(message="Hello", attachments=shown).files == []


def test_files_shown_by_their_sys_id_alone_get_their_names():
    said = message(message="See", attachments=[FILE, OTHER])

    files, instance = found(said, row(FILE, "01", name="a.png"))

    assert files == [(FILE, "a.png"), (OTHER, "")]
    path, params = instance.asked[0]
    assert path == "/api/now/table/sys_attachment"
    assert params["sysparm_query"].startswith(
        f"table_name=live_group_profile^table_sys_id={GROUP}^"
    )


def test_a_label_finds_the_file_that_came_before_it():
    """Pictures from a clipboard all have the same name."""
    rows = [row("f3" * 16, "30"), row(OTHER, "20"), row(FILE, "10")]

    for at, expected in [(25, OTHER), (20, OTHER), (15, FILE), (5, FILE)]:
        said = message(message="File: x.png", created_on=f"2026-11-22 10:00:{at:02}")
        assert said.sent_at == datetime(2026, 11, 22, 10, 0, at, tzinfo=UTC)
        assert found(said, *rows)[0] == [(expected, "x.png")]


def test_known_files_and_our_own_are_not_meant():
    said = message(message="File: x.png")
    rows = [row("f3" * 16, "30", by="Chatbot.Interface"), row(OTHER, "20")]

    assert found(said, *rows)[0] == [(OTHER, "x.png")]
    assert found(said, *rows, known={OTHER})[0] == []


def test_a_label_without_a_file_is_a_text():
    said = message(message="File: complaint")

    assert said.text == "File: complaint"
    assert found(said, row(FILE, "10"))[0] == []


def test_a_text_costs_no_question():
    system, instance = connect()

    assert system.files_of(THERE, message(message="Hello"), known=set()) == []
    assert instance.asked == []


def test_a_file_is_downloaded_by_its_sys_id():
    system, instance = connect(b"\x89PNG")
    file = InboundFile(source=FILE, file_name="x.png")

    assert system.download(file, max_bytes=9) == b"\x89PNG"
    assert instance.asked == [(f"/api/now/attachment/{FILE}/file", 9)]
