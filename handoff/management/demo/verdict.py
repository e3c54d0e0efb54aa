"""What went wrong in the scripted conversation, by what the two pages displayed."""

from collections.abc import Sequence
from itertools import dropwhile

from handoff.management.demo import judge, script
from handoff.management.demo.chat_page import Line
from handoff.management.demo.desk import AGENT_NAME


def verdict(*, chat: Sequence[Line], desk: Sequence[Line]) -> list[str]:
    """Return a sentence for each fault; none when all arrived as it was written."""
    faults = {
        "on the desk": _faults_in_questions(desk),
        "on the chat page": _faults_in_answers(chat, desk=desk),
        "in a name on the chat page": _faults_in_names(chat),
    }
    return [f"{where}, {fault}" for where, found in faults.items() for fault in found]


def stage_faults(chat: Sequence[Line]) -> list[str]:
    """Judge what was said between the messages; ServiceNow's own lines aside."""
    stages = list(script.STAGES.values())
    told = [text for text in texts(chat, role="system") if text in stages]
    found = judge.faults(sent=stages, displayed=told)
    return [f"on the chat page, {fault}" for fault in found]


def texts(lines: Sequence[Line], *, role: str) -> list[str]:
    return [line.text for line in lines if line.role == role]


def _faults_in_questions(desk: Sequence[Line]) -> list[str]:
    """Judge what came from the user: the question, then each message."""
    written = texts(desk, role="requester")
    if not any(script.QUESTION in text for text in written):
        return [f"lost: {script.QUESTION!r}"]
    # Before the first message there are the question and what was said before it.
    rest = list(dropwhile(lambda text: text not in script.FROM_USER, written))
    return judge.faults(sent=script.FROM_USER, displayed=rest)


def _faults_in_answers(chat: Sequence[Line], *, desk: Sequence[Line]) -> list[str]:
    """Judge what came from the agent; the queue's greeting is made in the same name."""
    greeting = texts(desk, role="agent")[:1]
    sent = [*greeting, *(text for text in script.FROM_AGENT if text not in greeting)]
    return judge.faults(sent=sent, displayed=texts(chat, role="agent"))


def _faults_in_names(chat: Sequence[Line]) -> list[str]:
    names = {line.author for line in chat if line.role == "agent"}
    return [f"the agent is called {name!r}" for name in names - {AGENT_NAME}]
