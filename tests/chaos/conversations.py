"""One handoff of a run, as those who take part in it know it."""

from dataclasses import dataclass, field
from datetime import datetime
from random import Random

from tests.chaos.plan import Plan

WORDS = ("yes", "no", "hello")


@dataclass
class Conversation:
    """What is to be said, what was accepted of it, and where it stands."""

    number: int
    system: str
    to_say: list[str]
    to_reply: list[str]
    agent_ends: bool
    handoff_id: str = ""
    # The texts that the product answered with a 2xx, in this order.
    accepted: list[str] = field(default_factory=list)
    # What the agent wrote, as far as he came.
    replied: int = 0
    # It ended before all was said: what follows is refused.
    is_closed: bool = False
    # When the agent ended it, and whether that was before he had read all.
    ended_at: datetime | None = None
    is_cut_off: bool = False
    # The user left.
    has_left: bool = False

    @property
    def id(self) -> str:
        return f"c-{self.number}"

    @property
    def names(self) -> list[str | None]:
        """Return the bot's own ids of what was accepted; the question has none."""
        return [None, *(f"{self.id}-{place}" for place in range(1, len(self.accepted)))]

    @property
    def question(self) -> str:
        """Return what tells its chat from others on the desk: no word of the rest."""
        return f"Question {self.number}"

    @property
    def is_all_said(self) -> bool:
        return self.is_closed or len(self.accepted) > len(self.to_say)

    @property
    def is_all_replied(self) -> bool:
        return self.replied == len(self.to_reply)


def planned(plan: Plan) -> list[Conversation]:
    """Return the run's conversations: half of them are ended by the agent."""
    rng = Random(plan.seed)  # noqa: S311 - to be repeated
    return [
        Conversation(
            number=number,
            system=plan.systems[number % len(plan.systems)],
            to_say=rng.choices(WORDS, k=plan.messages),
            to_reply=rng.choices(WORDS, k=plan.replies),
            agent_ends=number // len(plan.systems) % 2 == 0,
        )
        for number in range(plan.handoffs)
    ]
