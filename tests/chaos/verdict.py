"""What a run showed: who saw what, compared with what was accepted."""

from collections import Counter
from dataclasses import dataclass, field, replace

from tests.chaos.chatbot import FINAL, Chatbot, Event, about, spoken
from tests.chaos.conversations import Conversation
from tests.chaos.desk import Desk
from tests.chaos.judge import Said, Tally, compare
from tests.chaos.plan import AGENT_CHAT, CONNECT_SUPPORT
from tests.chaos.stage import Stage

# What the API tells of a message that the agent does not have. What Agent Chat may have
# taken is held, and all that was said after it.
REPORTED = {
    CONNECT_SUPPORT: ("failed",),
    AGENT_CHAT: ("failed", "sending", "pending"),
}


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
        feed = chatbot.pages("events")
        _judge_feed(verdict, feed, followed=followed[system], chatbot=chatbot)
        for one in conversations:
            if one.system == system:
                _judge_conversation(verdict, stage, one, screen=screen)
                _judge_events(verdict, one, feed=feed, chatbot=chatbot)
    return verdict


def _judge_conversation(
    verdict: Verdict, stage: Stage, one: Conversation, *, screen: Desk
) -> None:
    chatbot = stage.chatbots[one.system]
    # One, if all is well.
    chats = [chat for chat in screen.chats() if chat.question == one.question]
    lines = screen.lines(chats)
    shown = [line.text for line in lines if line.is_requesters]
    asked = compare(_asked(one, chatbot), shown)
    verdict.add(one.system, "to ServiceNow", asked, name=one.id)
    said = [Said(line.text) for line in lines if line.is_agents]
    if one.system == AGENT_CHAT:
        said = [said for chat in chats for said in stage.postmaster.spoken(chat.group)]
    if one.is_cut_short:
        said = [replace(each, is_promised=False) for each in said]
    answered = compare(said, spoken(chatbot.told_about(one.id)))
    verdict.add(one.system, "to the bot", answered, name=one.id)


def _asked(one: Conversation, chatbot: Chatbot) -> list[Said]:
    """Return what was accepted, and whether the bot was not told otherwise."""
    rows = chatbot.pages(f"handoffs/{one.handoff_id}/messages")
    deliveries = {row["id"]: row["delivery"] for row in rows if row["role"] == "user"}
    names = [None, *(f"{one.id}-{place}" for place in range(1, len(one.accepted)))]
    # Agent Chat answers 200 to what is said to nobody: see docs/guarantees.md.
    is_swallowed = one.is_cut_off and one.system == AGENT_CHAT

    def is_promised(name: str | None) -> bool:
        return not is_swallowed and deliveries.get(name) not in REPORTED[one.system]

    return [
        Said(text, is_promised=is_promised(name))
        for name, text in zip(names, one.accepted, strict=True)
    ]


def _judge_events(
    verdict: Verdict, one: Conversation, *, feed: list[Event], chatbot: Chatbot
) -> None:
    """One final event, after the last message, by webhook and in the feed."""
    for where, events in (("webhooks", chatbot.told), ("feed", feed)):
        types = [event["type"] for event in about(one.id, events)]
        finals = [place for place, name in enumerate(types) if name in FINAL]
        if len(finals) != 1:
            verdict.others.append(f"{one.id} {where}: {len(finals)} final events")
        elif "message.created" in types[finals[0] :]:
            verdict.others.append(f"{one.id} {where}: a message after the final event")
        sequences = [event["sequence"] for event in about(one.id, events)]
        if sequences != list(range(1, len(sequences) + 1)):
            verdict.others.append(f"{one.id} {where}: events out of order or missing")


def _judge_feed(
    verdict: Verdict, feed: list[Event], *, followed: list[Event], chatbot: Chatbot
) -> None:
    """Nobody who follows the feed misses a number, and the webhooks tell the same."""
    numbers = [event["feed_sequence"] for event in feed]
    if numbers != list(range(1, len(feed) + 1)):
        verdict.others.append("the feed has gaps")
    if followed != feed[: len(followed)]:
        verdict.others.append("who followed the feed saw something else than is in it")
    untold = {event["id"] for event in feed} - chatbot.deliveries.keys()
    if untold:
        verdict.others.append(f"{len(untold)} events were not told by webhook")
    if chatbot.forged:
        verdict.others.append(f"{chatbot.forged} webhooks were badly signed")
    verdict.webhooks["events"] += len(feed)
    verdict.webhooks["received"] += chatbot.deliveries.total()
    verdict.webhooks["repeated"] += chatbot.deliveries.total() - len(chatbot.told)
