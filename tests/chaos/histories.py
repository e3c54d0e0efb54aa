"""Made-up histories for the tests of the verdict: all is well, but for one change."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from tests.chaos.chatbot import Event
from tests.chaos.conversations import Conversation
from tests.chaos.desk import Chat, Line
from tests.chaos.judge import Said
from tests.chaos.records import Record
from tests.chaos.verdict import Verdict, judge_one

BEGAN = datetime(2026, 11, 22, 12, tzinfo=UTC)
ENDED = BEGAN + timedelta(minutes=1)
SAYS = ("Question 1", "yes", "no", "yes")
REPLIES = ("hello", "no", "no")
BY_AGENT = ("handoff.ended", {"reason": "completed", "ended_by": "agent"})
BY_USER = ("handoff.ended", {"reason": "user_left", "ended_by": "user"})
UNHEARD = ("handoff.failed", {"reason": "delivery_failed", "ended_by": "system"})

Tale = tuple[str, dict[str, str]]


def numbered(*tales: Tale, at: datetime = BEGAN) -> list[Event]:
    return [
        {
            "id": f"{number}-{kind}",
            "type": kind,
            "sequence": number,
            "timestamp": at.isoformat(),
            "data": data,
        }
        for number, (kind, data) in enumerate(tales, start=1)
    ]


def delivered(*places: int) -> list[Tale]:
    return [("message.delivered", {"id": f"c-1-{place}"}) for place in places]


def failed(*places: int) -> list[Tale]:
    return [("message.failed", {"id": f"c-1-{place}"}) for place in places]


def created(*texts: str) -> list[Tale]:
    return [("message.created", {"role": "agent", "text": text}) for text in texts]


def shown(*texts: str) -> list[Line]:
    return [
        Line(group="g", is_requesters=True, is_agents=False, text=text)
        for text in texts
    ]


def chat(*, is_open: bool = False) -> Chat:
    return Chat(
        sys_id="s",
        group="g",
        question=SAYS[0],
        is_waiting=False,
        is_open=is_open,
    )


def history(system: str, *, told: list[Event] | None = None) -> Record:
    one = Conversation(
        number=1,
        system=system,
        to_say=list(SAYS[1:]),
        to_reply=list(REPLIES),
        agent_ends=True,
        handoff_id="h",
        accepted=list(SAYS),
        replied=len(REPLIES),
        ended_at=ENDED,
    )
    if told is None:
        told = numbered(*delivered(1, 2, 3), *created(*REPLIES), BY_AGENT)
    return Record(
        one=one,
        chats=[chat()],
        lines=shown(*SAYS),
        said=[Said(text) for text in REPLIES],
        deliveries=["sent"] * len(SAYS),
        transcript=REPLIES,
        told=told,
        fed=told,
    )


def retold(record: Record, *tales: Tale, at: datetime = BEGAN) -> Record:
    told = numbered(*tales, at=at)
    return replace(record, told=told, fed=told)


def left(record: Record) -> Record:
    one = replace(record.one, agent_ends=False, ended_at=None, has_left=True)
    return replace(record, one=one)


def cut_off(record: Record) -> Record:
    return replace(record, one=replace(record.one, is_cut_off=True))


def verdict_on(record: Record) -> Verdict:
    verdict = Verdict()
    judge_one(verdict, record)
    return verdict


def lost(record: Record, direction: str) -> int:
    return verdict_on(record).tallies[record.one.system, direction].lost
