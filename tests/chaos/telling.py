"""What is wrong in what a bot was told of one conversation, beside its texts."""

from collections import Counter
from collections.abc import Iterator, Sequence

from tests.chaos.chatbot import FINAL, Event
from tests.chaos.judge import Said, compare
from tests.chaos.plan import AGENT_CHAT, CONNECT_SUPPORT
from tests.chaos.records import UNSETTLED, Record

OUTCOMES = {"message.delivered": "sent", "message.failed": "failed"}


def faults_in(record: Record) -> Iterator[str]:
    yield from _faults_in_events(record.told, where="webhooks")
    yield from _faults_in_events(record.fed, where="feed")
    if [event["id"] for event in record.told] != [event["id"] for event in record.fed]:
        yield "the webhooks told something else than the feed"
    yield from _faults_in_outcomes(record)
    yield from _faults_in_end(record)
    # Also what the bot was not told any more, when it had ended the handoff.
    if kept := compare(record.said, record.transcript).violations:
        yield f"transcript: {kept} violations"
    if record.one.system == CONNECT_SUPPORT:
        yield from _faults_at_connect_support(record)


def _faults_in_events(events: Sequence[Event], *, where: str) -> Iterator[str]:
    """One final event, the last, and none missing before it."""
    types = [event["type"] for event in events]
    finals = [place for place, name in enumerate(types) if name in FINAL]
    if len(finals) != 1:
        yield f"{where}: {len(finals)} final events"
    elif finals[0] != len(types) - 1:
        yield f"{where}: {types[finals[0] + 1]} after the final event"
    sequences = [event["sequence"] for event in events]
    if sequences != list(range(1, len(sequences) + 1)):
        yield f"{where}: events out of order or missing"


def _faults_in_outcomes(record: Record) -> Iterator[str]:
    """What became of a message is told once, and is what the API says."""
    told = [
        (event["data"]["id"], OUTCOMES[event["type"]])
        for event in record.told
        if event["type"] in OUTCOMES
    ]
    for name, count in Counter(name for name, _ in told).items():
        if count > 1:
            yield f"the outcome of {name} was told {count} times"
    known = dict(zip(record.one.names, record.deliveries, strict=True))
    for name, outcome in told:
        if known.get(name) != outcome:
            yield f"{name} was told as {outcome}, and is {known.get(name)}"


def _faults_in_end(record: Record) -> Iterator[str]:
    """It ended as it did: an end made up would excuse all that was not sent then."""
    one = record.one
    ends: set[tuple[str, str]] = set()
    if one.ended_at is not None:
        ends.add(("completed", "agent"))
    if one.has_left:
        ends.add(("user_left", "user"))
    if one.system == AGENT_CHAT:
        # Nothing, or too little, was called back: see docs/guarantees.md.
        ends |= {("delivery_failed", "system"), ("not_routed", "system")}
        ends |= {("rejected", "agent")} if one.ended_at else set()
    for data in [event["data"] for event in record.told if event["type"] in FINAL]:
        if (data["reason"], data["ended_by"]) not in ends:
            yield f"ended by {data['ended_by']}, {data['reason']}: it was not"


def _faults_at_connect_support(record: Record) -> Iterator[str]:
    """There each message comes to its end, and nobody waits for who has gone."""
    if stuck := sum(delivery in UNSETTLED for delivery in record.deliveries):
        yield f"{stuck} messages came to no end"
    if any(chat.is_open or chat.is_waiting for chat in record.chats):
        yield "the agent still has it on his desk"
    delivered = [e for e in record.told if e["type"] == "message.delivered"]
    told = {event["data"]["id"] for event in delivered}
    # The end may come before the outcome of the last ones is known.
    untold = [name for name in record.one.names[1:] if name not in told]
    if untold != record.one.names[1 + len(told) :]:
        yield f"the delivery of {untold[0]} was not told"
    created = [event for event in record.told if event["type"] == "message.created"]
    others = [e["data"]["text"] for e in created if e["data"]["role"] != "agent"]
    written = [
        Said(line.text, is_promised=False)
        for line in record.lines
        if not (line.is_requesters or line.is_agents)
    ]
    if compare(written, others).violations:
        yield "the bot was told what nobody wrote"
