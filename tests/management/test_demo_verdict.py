from dataclasses import replace

import pytest

from handoff.management.demo import script
from handoff.management.demo.files import File
from handoff.management.demo.judge import quote
from handoff.management.demo.lines import Line
from handoff.management.demo.verdict import stage_faults, transcript_faults, verdict

GREETING = "Hello, thank you for waiting."


def line(said: str | File, *, role: str) -> Line:
    author = "Live Agent" if role == "agent" else role
    text, files = ("", (str(said),)) if isinstance(said, File) else (said, ())
    return Line(id=str(said), role=role, author=author, text=text, files=files)


@pytest.fixture
def desk() -> list[Line]:
    before = [f"{script.QUESTION}\n\nFrom: Guest", "Transcript: …"]
    return [
        *(line(text, role="requester") for text in before),
        line(GREETING, role="agent"),
        *(line(text, role="requester") for text in script.FROM_USER),
        *(line(text, role="agent") for text in script.FROM_AGENT),
        line("Live Agent has closed the support session", role="system"),
    ]


@pytest.fixture
def chat() -> list[Line]:
    return [
        line("Hello! I am the bot.", role="bot"),
        *(line(text, role="user") for text in script.FROM_USER),
        line("a stage", role="system"),
        line(GREETING, role="agent"),
        *(line(text, role="agent") for text in script.FROM_AGENT),
    ]


def test_a_conversation_that_arrived_has_no_fault(chat, desk):
    assert verdict(chat=chat, desk=desk) == []


def test_a_queue_need_not_greet(chat, desk):
    del desk[2], chat[-len(script.FROM_AGENT) - 1]

    assert verdict(chat=chat, desk=desk) == []


def test_what_the_desk_lacks_is_said(chat, desk):
    del desk[3]

    assert verdict(chat=chat, desk=desk) == [
        f"on the desk, lost: {quote(str(script.FROM_USER[0]))}"
    ]


def test_a_lost_question_is_said(chat, desk):
    del desk[0]

    assert verdict(chat=chat, desk=desk) == [
        f"on the desk, lost: '{script.QUESTION}'",
    ]


def test_what_the_chat_page_lacks_is_said_even_of_the_greeting(chat, desk):
    del chat[-len(script.FROM_AGENT) - 1]

    assert verdict(chat=chat, desk=desk) == [
        f"on the chat page, lost: '{GREETING}'",
    ]


def test_a_file_with_another_content_is_said(chat, desk):
    place = desk.index(line(script.NOTE, role="requester"))
    spoilt = str(replace(script.NOTE, content=script.NOTE.content + b"\n"))
    desk[place] = replace(desk[place], files=(spoilt,))

    assert verdict(chat=chat, desk=desk) == [
        f"on the desk, lost: {quote(str(script.NOTE))}",
        f"on the desk, unexpected: {quote(spoilt)}",
    ]


def test_a_message_displayed_twice_is_said(chat, desk):
    chat.append(replace(chat[-1], id="again"))

    (fault,) = verdict(chat=chat, desk=desk)

    assert fault.startswith("on the chat page, displayed 2 times: 'agent 0,")


def test_another_name_than_the_agents_is_said(chat, desk):
    chat[-1] = replace(chat[-1], author="Chatbot Interface")

    assert verdict(chat=chat, desk=desk) == [
        "in a name on the chat page, the agent is called 'Chatbot Interface'"
    ]


def test_each_entry_of_the_transcript_is_there_once(chat, desk):
    before = [line("Hello! I am the bot.", role="bot"), line("Hello", role="user")]
    chat[:1] = [*before, line(script.QUESTION, role="user")]
    told = [replace(entry, role="history") for entry in before]

    assert transcript_faults(chat=chat, desk=[*told, *desk]) == []
    assert transcript_faults(chat=chat, desk=[*told[1:], *desk]) == [
        "in the transcript on the desk, lost: 'Hello! I am the bot.'"
    ]


def test_each_stage_is_told_once_and_in_order(chat):
    queued, accepted, ended = script.STAGES.values()
    other = "Live Agent has closed the support session"
    told = [line(text, role="system") for text in (queued, accepted, other, ended)]

    assert stage_faults([*chat, *told]) == []
    assert stage_faults([*chat, *told[:3]]) == [
        f"on the chat page, lost: {quote(ended)}"
    ]
    assert stage_faults([*chat, *told[::-1]])
    assert stage_faults([*chat, *told, told[0]])


@pytest.mark.parametrize("said", [script.FROM_USER, script.FROM_AGENT])
def test_the_script_has_what_careless_relays_spoil(said: tuple[str | File, ...]):
    texts = [part for part in said if isinstance(part, str)]
    together = "".join(texts)

    for sign in ('"', "'", "\\", "`", "\n\n    ", "\u200d", "<b>", "$1", "${", "{0}"):
        assert sign in together
    assert max(map(ord, together)) > 0xFFFF
    assert max(map(len, texts)) == 3900
    assert len(set(texts)) == len(texts)
