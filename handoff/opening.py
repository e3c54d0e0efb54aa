"""What the agent reads first: the question, who asks, and what was said before."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from handoff.models.message import Role

HEADING = "Transcript of the conversation with the bot:"
SPEAKERS = {
    Role.USER: "User",
    Role.BOT: "Bot",
    Role.AGENT: "Agent",
    Role.SYSTEM: "System",
}


@dataclass(frozen=True, kw_only=True)
class TranscriptEntry:
    role: Role
    text: str
    sent_at: datetime | None = None


def question(*, message: str, user: dict[str, str], channel: str) -> str:
    """Return the question and, below it, who asks: the API has no field for that."""
    lines = sender(user=user, channel=channel)
    return "\n".join([message, "", *lines]) if lines else message


def sender(*, user: dict[str, str], channel: str) -> list[str]:
    """Return who asks and from where, a line each, as far as it is known."""
    name, email, known_as = (user.get(key, "") for key in ("name", "email", "id"))
    who = " ".join(part for part in (name, f"<{email}>" if email else "") if part)
    told = {"From": who or known_as, "Channel": channel}
    return [f"{label}: {value}" for label, value in told.items() if value]


def transcript(entries: Iterable[TranscriptEntry]) -> str:
    """Return the transcript as one text, a paragraph a message; "" for none."""
    said = [f"{SPEAKERS[entry.role]}: {entry.text}" for entry in entries]
    return "\n".join([HEADING, *said]) if said else ""
