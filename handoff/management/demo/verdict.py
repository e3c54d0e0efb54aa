"""What went wrong in a scripted conversation, by what the two pages displayed."""

from collections.abc import Sequence
from itertools import dropwhile, takewhile

from handoff.management.demo import judge, script
from handoff.management.demo.desk import AGENT_NAME
from handoff.management.demo.lines import Line

_FROM_USER = [str(said) for said in script.FROM_USER]
_FROM_AGENT = [str(said) for said in script.FROM_AGENT]


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
    told = [text for text in parts(chat, role="system") if text in stages]
    found = judge.faults(sent=stages, displayed=told)
    return [f"on the chat page, {fault}" for fault in found]


def transcript_faults(*, chat: Sequence[Line], desk: Sequence[Line]) -> list[str]:
    """Judge what the agent is shown of the talk with the bot before the question."""
    before = takewhile(lambda line: line.text != script.QUESTION, chat)
    sent = [part for line in before for part in line.parts]
    found = judge.faults(sent=sent, displayed=parts(desk, role="history"))
    return [f"in the transcript on the desk, {fault}" for fault in found]


def parts(lines: Sequence[Line], *, role: str) -> list[str]:
    return [part for line in lines if line.role == role for part in line.parts]


def _faults_in_questions(desk: Sequence[Line]) -> list[str]:
    """Judge what came from the user: the question, then each message."""
    written = parts(desk, role="requester")
    if not any(script.QUESTION in text for text in written):
        return [f"lost: {script.QUESTION!r}"]
    # Before the first message there are the question and what was said before it.
    rest = list(dropwhile(lambda text: text not in _FROM_USER, written))
    return judge.faults(sent=_FROM_USER, displayed=rest)


def _faults_in_answers(chat: Sequence[Line], *, desk: Sequence[Line]) -> list[str]:
    """Judge what came from the agent; the queue's greeting is made in the same name."""
    greeting = parts(desk, role="agent")[:1]
    sent = [*greeting, *(text for text in _FROM_AGENT if text not in greeting)]
    return judge.faults(sent=sent, displayed=parts(chat, role="agent"))


def _faults_in_names(chat: Sequence[Line]) -> list[str]:
    names = {line.author for line in chat if line.role == "agent"}
    return [f"the agent is called {name!r}" for name in names - {AGENT_NAME}]
