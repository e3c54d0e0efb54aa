"""What a bot's calls cost the database.

A message: the key with its bot, the rate, the locks, the message, the lane, its items.
Whatever its length; files add one statement that takes them and one that reads them.
"""

import pytest

from handoff import limits
from handoff.models import Outgoing
from tests.files.samples import upload
from tests.statements import run

pytestmark = pytest.mark.both_databases

SAID = {"id": "m-1", "text": "It says delivered."}
START = {"conversation_id": "c-2", "message": "Help!"}
SEVERAL_PARTS = "word " * 6_000


@pytest.fixture(autouse=True)
def one_minute(monkeypatch):
    """The first call of a minute also sweeps the counts of the last one."""
    monkeypatch.setattr(limits, "_window", lambda: 1_000_000)


@pytest.fixture
def messages(handoff_id: str) -> str:
    return f"/handoffs/{handoff_id}/messages"


@pytest.mark.parametrize("text", [SAID["text"], SEVERAL_PARTS])
def test_a_message_takes_six(api, messages, text):
    answer, statements = run(lambda: api.post(messages, SAID | {"text": text}))

    assert answer.status_code == 202
    assert len(statements) == 6, statements


@pytest.mark.parametrize("count", [1, 2])
def test_files_add_two_to_a_message(api, messages, count):
    ids = [upload(api).json()["id"] for _ in range(count)]

    answer, statements = run(lambda: api.post(messages, SAID | {"attachments": ids}))

    assert [file["id"] for file in answer.json()["attachments"]] == ids
    assert len(statements) == 8, statements


def test_a_repeat_takes_seven(api, messages):
    """It is looked up, with its parts and its files, once its INSERT was refused."""
    api.post(messages, SAID)

    answer, statements = run(lambda: api.post(messages, SAID))

    assert answer.status_code == 200
    assert len(statements) == 7, statements


@pytest.mark.parametrize(
    ("named", "cost"),
    # Where it has an id, it may have come before: that is asked too.
    [({}, 11), ({"id": "r-1"}, 12)],
)
def test_a_start_takes_eleven_or_twelve(api, handoff_id, named, cost):
    transcript = [{"role": "bot", "text": "How can I help?"}] * 20
    body = START | named | {"transcript": transcript}

    answer, statements = run(lambda: api.post("/handoffs", body))

    assert answer.status_code == 202
    assert len(statements) == cost, statements


def test_the_answer_tells_what_a_repeat_and_a_reader_find(api, messages):
    ids = [upload(api, name=name).json()["id"] for name in ("b.png", "a.png")]

    body = SAID | {"attachments": ids[::-1]}
    told = api.post(messages, body).json()

    assert api.post(messages, body).json() == told
    assert api.get(messages).json()["items"][1] == told


def test_the_parts_of_a_start_and_of_a_message_are_numbered_on(api):
    started = api.post("/handoffs", START | {"message": SEVERAL_PARTS}).json()
    api.post(f"/handoffs/{started['id']}/messages", SAID)
    items = Outgoing.objects.filter(lane__handoff=started["id"])

    kinds = items.order_by("sequence").values_list("sequence", "kind", "part")

    *start, message = list(kinds)
    assert start[0] == (1, "start", 0)
    assert start[1:] == [(n + 1, "message", n) for n in range(1, len(start))]
    assert message == (len(start) + 1, "message", 0)
