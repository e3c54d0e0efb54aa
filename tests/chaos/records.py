"""What there is to see of each conversation, when a run is over."""

from collections.abc import Sequence
from dataclasses import dataclass

from tests.chaos.chatbot import Event, about
from tests.chaos.conversations import Conversation
from tests.chaos.desk import Chat, Desk, Line
from tests.chaos.judge import Said
from tests.chaos.plan import AGENT_CHAT
from tests.chaos.stage import Stage

UNSETTLED = ("pending", "sending")


@dataclass(frozen=True, kw_only=True)
class Record:
    """One conversation, as the desk, the bot and the API show it."""

    one: Conversation
    # One, if all is well.
    chats: Sequence[Chat]
    lines: Sequence[Line]
    # What agents said, as far as ServiceNow got it to the product.
    said: Sequence[Said]
    # What the API tells of each message that was accepted; "" where it has none.
    deliveries: Sequence[str]
    # What agents said, as the product keeps it.
    transcript: Sequence[str]
    # By webhook, and in the feed.
    told: Sequence[Event]
    fed: Sequence[Event]

    @property
    def shown(self) -> list[str]:
        """Return what the agent sees of the user."""
        return [line.text for line in self.lines if line.is_requesters]


def collect(
    stage: Stage, one: Conversation, *, screen: Desk, feed: Sequence[Event]
) -> Record:
    chatbot = stage.chatbots[one.system]
    chats = [chat for chat in screen.chats() if chat.question == one.question]
    lines = screen.lines(chats)
    said = [Said(line.text) for line in lines if line.is_agents]
    if one.system == AGENT_CHAT:
        said = [said for chat in chats for said in stage.postmaster.spoken(chat.group)]
    rows = chatbot.pages(f"handoffs/{one.handoff_id}/messages")
    known = {row["id"]: row["delivery"] for row in rows if row["role"] == "user"}
    answer = chatbot.call("GET", f"handoffs/{one.handoff_id}/transcript")
    kept = [item for item in answer.json()["items"] if item["role"] == "agent"]
    return Record(
        one=one,
        chats=chats,
        lines=lines,
        said=said,
        deliveries=[known.get(name, "") for name in one.names],
        transcript=[item["text"] for item in kept],
        told=chatbot.told_about(one.id),
        fed=about(one.id, feed),
    )


def held(deliveries: Sequence[str]) -> list[bool]:
    """Tell of each whether it is held: its outcome is unknown, or that of one before.

    What is pending behind nothing of the kind is stuck.
    """
    unknown = False
    places = []
    for delivery in deliveries:
        unknown = unknown or delivery == "sending"
        places.append(unknown and delivery in UNSETTLED)
    return places
