"""What a run showed: who saw what, compared with what was accepted."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import takewhile

from tests.chaos.chatbot import Event, spoken
from tests.chaos.conversations import Conversation
from tests.chaos.desk import Chat, Desk
from tests.chaos.judge import Said, Tally, compare_cut
from tests.chaos.plan import AGENT_CHAT, CONNECT_SUPPORT
from tests.chaos.records import Record, collect, held
from tests.chaos.stage import Stage
from tests.chaos.telling import faults_in

TO_SERVICENOW = "to ServiceNow"
TO_BOT = "to the bot"
# Less than one in so many seen proves nothing.
ENOUGH = 4
# What was told as delivered so long before the agent's end did not cross it.
CROSSING = timedelta(seconds=2)
FAILED = "failed"


@dataclass
class Verdict:
    """The tallies by chat system and direction, and what else was wrong."""

    tallies: dict[tuple[str, str], Tally] = field(default_factory=dict)
    webhooks: Counter[str] = field(default_factory=Counter)
    # Which conversations the tallies are about, and what they do not count.
    details: list[str] = field(default_factory=list)
    others: list[str] = field(default_factory=list)

    @property
    def violations(self) -> int:
        wrong = sum(tally.violations for tally in self.tallies.values())
        return wrong + len(self.others)

    def add(self, system: str, direction: str, tally: Tally, *, name: str) -> None:
        key = (system, direction)
        self.tallies[key] = self.tallies.get(key, Tally()) + tally
        if tally.violations:
            self.details.append(f"{name} {direction}: {tally}")


@dataclass(frozen=True, kw_only=True)
class Told:
    """What a bot was told of all its conversations together."""

    feed: Sequence[Event]
    followed: Sequence[Event]
    # How often each event came by webhook.
    deliveries: Counter[str]
    forged: int = 0


def judge(
    stage: Stage,
    conversations: list[Conversation],
    *,
    desks: list[Desk],
    followed: dict[str, list[Event]],
) -> Verdict:
    verdict = Verdict()
    for screen in desks:
        system, chatbot = screen.system, stage.chatbots[screen.system]
        own = [one for one in conversations if one.system == system]
        feed = chatbot.pages("events")
        told = Told(
            feed=feed,
            followed=followed[system],
            deliveries=chatbot.deliveries,
            forged=chatbot.forged,
        )
        judge_feed(verdict, told)
        for one in own:
            judge_one(verdict, collect(stage, one, screen=screen, feed=feed))
        judge_extent(verdict, came_about(own, feed, system=system), system=system)
        strange = strangers(own, screen.chats())
        judge_strangers(verdict, [line.text for line in screen.lines(strange)])
    if turned_away := stage.postmaster.turned_away:
        verdict.others.append(f"{turned_away} sound posts of Agent Chat were refused")
    return verdict


def judge_one(verdict: Verdict, record: Record) -> None:
    one = record.one
    verdict.add(one.system, TO_SERVICENOW, _to_servicenow(record), name=one.id)
    verdict.add(one.system, TO_BOT, _to_bot(record), name=one.id)
    verdict.others += [f"{one.id} {fault}" for fault in faults_in(record)]


def _to_servicenow(record: Record) -> Tally:
    accepted = zip(
        record.one.accepted,
        record.deliveries,
        _unknown(record),
        _may_be_swallowed(record),
        strict=True,
    )
    # What was told as failed must not be there.
    there = [row for row in accepted if row[1] != FAILED]
    said = [Said(text, is_promised=not unknown) for text, _, unknown, _ in there]
    swallowed = _last(is_swallowed for *_, is_swallowed in there)
    most = len(said)
    tally = compare_cut(said, record.shown, least=most - swallowed, most=most)
    failed = len(record.deliveries) - most
    reported = _last(one == FAILED for one in record.deliveries)
    reported = reported if _may_fail(record) else 0
    return tally + Tally(accepted=failed, reported=reported, lost=failed - reported)


def _unknown(record: Record) -> list[bool]:
    """Tell of each message whether the bot was told that its outcome is unknown.

    What Agent Chat may have taken is held, and all that was said after it.
    """
    if record.one.system == CONNECT_SUPPORT:
        return [False] * len(record.deliveries)
    return held(record.deliveries)


def _may_fail(record: Record) -> bool:
    """Tell whether there was no conversation any more for what was said last.

    As long as there is one, a message has no reason to fail.
    """
    one = record.one
    if one.system == AGENT_CHAT:
        is_unopened = any(event["type"] == "handoff.failed" for event in record.told)
    else:
        is_unopened = one.has_left and not record.chats
    return one.is_cut_off or is_unopened


def _may_be_swallowed(record: Record) -> list[bool]:
    """Tell of each message whether Agent Chat may have dropped it with a 200.

    It does when its agent has ended the chat: see docs/guarantees.md.
    """
    one = record.one
    if one.system != AGENT_CHAT or not one.is_cut_off or one.ended_at is None:
        return [False] * len(one.accepted)
    before = one.ended_at - CROSSING
    arrived = {
        event["data"]["id"]
        for event in record.told
        if event["type"] == "message.delivered"
        and datetime.fromisoformat(event["timestamp"]) < before
    }
    return [name not in arrived for name in one.names]


def _last(flags: Iterable[bool]) -> int:
    """Count how many are true, from the last one back."""
    return sum(takewhile(bool, reversed(list(flags))))


def _to_bot(record: Record) -> Tally:
    """Compare what it was told; when the user has left, the transcript has the rest."""
    most = len(record.said)
    least = 0 if record.one.has_left else most
    return compare_cut(record.said, spoken(record.told), least=least, most=most)


def came_about(
    conversations: Sequence[Conversation], feed: Sequence[Event], *, system: str
) -> list[Conversation]:
    """Return those in which something could be said.

    A start of Agent Chat that is struck, or whose callbacks are, may end as failed.
    """
    ended = {
        event["handoff"]["id"] for event in feed if event["type"] == "handoff.failed"
    }
    failed = ended if system == AGENT_CHAT else set()
    return [one for one in conversations if one.handoff_id not in failed]


def judge_extent(
    verdict: Verdict, conversations: Sequence[Conversation], *, system: str
) -> None:
    """A run in which little was said, or little of it seen, proves nothing."""
    planned = {
        TO_SERVICENOW: sum(len(one.to_say) for one in conversations),
        TO_BOT: sum(len(one.to_reply) for one in conversations),
    }
    for direction, wanted in planned.items():
        seen = verdict.tallies.get((system, direction), Tally()).seen
        if seen == 0 or seen * ENOUGH < wanted:
            verdict.others.append(f"{system} {direction}: only {seen} of {wanted} seen")


def strangers(
    conversations: Sequence[Conversation], chats: Sequence[Chat]
) -> list[Chat]:
    """Return the chats on the desk that nobody asked for."""
    questions = {one.question for one in conversations}
    return [chat for chat in chats if chat.question not in questions]


def judge_strangers(verdict: Verdict, texts: Sequence[str]) -> None:
    if texts:
        verdict.others.append(f"{len(texts)} lines in chats that nobody asked for")


def judge_feed(verdict: Verdict, told: Told) -> None:
    """Nobody who follows the feed misses a number, and the webhooks tell the same."""
    feed = told.feed
    numbers = [event["feed_sequence"] for event in feed]
    if numbers != list(range(1, len(feed) + 1)):
        verdict.others.append("the feed has gaps")
    if told.followed != feed:
        verdict.others.append("who followed the feed saw something else than is in it")
    names = {event["id"] for event in feed}
    if len(names) != len(feed):
        verdict.others.append("the feed has an event twice")
    if untold := names - told.deliveries.keys():
        verdict.others.append(f"{len(untold)} events were not told by webhook")
    if unknown := told.deliveries.keys() - names:
        verdict.others.append(f"{len(unknown)} webhooks told what is not in the feed")
    if told.forged:
        verdict.others.append(f"{told.forged} webhooks were badly signed")
    verdict.webhooks["events"] += len(feed)
    verdict.webhooks["received"] += told.deliveries.total()
    verdict.webhooks["repeated"] += told.deliveries.total() - len(told.deliveries)
