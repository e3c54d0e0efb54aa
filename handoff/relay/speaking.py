"""What an item says, as a chat system takes it."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from handoff import chat_systems
from handoff.chat_systems import Conversation, Opening, OutboundMessage, Progress
from handoff.models import Handoff, Outgoing
from handoff.models.message import Role
from handoff.opening import TranscriptEntry
from handoff.relay import file_transfer
from handoff.relay.routes import nothing_sent

# By which a clock that was never measured is taken to differ from ours.
UNKNOWN_CLOCK = timedelta(minutes=5)
# A measured one is known to half a minute.
CLOCK_MARGIN = timedelta(minutes=1)


def conversation(handoff: Handoff) -> Conversation:
    return Conversation(
        group_id=handoff.group_id,
        entry_id=handoff.entry_id,
        user=handoff.user,
        language=handoff.language,
    )


def first_word(handoff: Handoff) -> datetime:
    """Return since when a conversation is read."""
    return there(handoff.created_at, handoff=handoff)


def there(moment: datetime, *, handoff: Handoff) -> datetime:
    """Return a moment by ServiceNow's clock, or a little before it."""
    ahead = handoff.bot.connection.runtime.clock_offset
    if ahead is None:
        return moment - UNKNOWN_CLOCK
    return moment + timedelta(seconds=ahead) - CLOCK_MARGIN


def opening(handoff: Handoff, item: Outgoing) -> Opening:
    return Opening(
        id=_name(item),
        queue_id=handoff.queue_id,
        text=item.text,
        skills=handoff.skills,
        context=handoff.context,
        transcript=_transcript(handoff),
        progress=_progress(item),
    )


def message(item: Outgoing) -> OutboundMessage:
    return OutboundMessage(
        id=_name(item),
        text=item.text,
        choice_value=item.choice_value,
        file=file_transfer.outbound(item.attachment) if item.attachment else None,
        progress=_progress(item),
    )


def _name(item: Outgoing) -> str:
    """Return what we call the item there: the same at each attempt, and never again.

    A counter of ours would begin anew in another database, and ServiceNow takes what
    has a known name for a repeat.
    """
    return f"{item.lane.handoff_id}-{item.sequence}"


def sequence_of(name: str, *, handoff: Handoff) -> int:
    """Return which item of the handoff has this name, or 0."""
    about, _, sequence = name.rpartition("-")
    is_ours = about == str(handoff.pk) and sequence.isdecimal() and len(sequence) < 19
    return int(sequence) if is_ours else 0


def _progress(item: Outgoing) -> Progress:
    def keep(done: Mapping[str, str]) -> None:
        with nothing_sent():
            Outgoing.objects.filter(pk=item.pk).update(progress=done)

    return Progress(done=dict(item.progress), keep=keep)


def _transcript(handoff: Handoff) -> list[TranscriptEntry]:
    bot = handoff.bot
    if not (bot.send_transcript and chat_systems.traits(bot).takes_transcript):
        return []
    said = handoff.messages.filter(before_handoff=True).order_by("number")
    return [
        TranscriptEntry(role=Role(entry.role), text=entry.text, sent_at=entry.sent_at)
        for entry in said
    ]
