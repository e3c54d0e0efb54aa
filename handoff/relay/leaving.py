"""The end of a conversation from our side: hear the last words, then go."""

from datetime import datetime, timedelta

from django.utils.timezone import now

from handoff.chat_systems import ChatSystem, Conversation
from handoff.models import Handoff, Outgoing
from handoff.relay import looking
from handoff.relay.routes import StillUnknown, nothing_sent
from servicenow_auth.exceptions import Ambiguous, NotSent, Rejected

# Nobody keeps an agent with a user who has gone for longer than this.
PATIENCE = timedelta(seconds=60)
# A read that took all the time there was is not made again at once.
FRESH = timedelta(seconds=30)
HEARD_AT = "last_words_heard_at"


def leave(
    item: Outgoing,
    conversation: Conversation,
    *,
    handoff: Handoff,
    system: ChatSystem,
    send_before: float,
) -> None:
    """Leave the conversation, once what was said in it is read: later it may be shut.

    The bot was told of the end already: the transcript is what becomes complete.
    """
    if system.traits.can_read and not _has_just_heard(item):
        _hear(item, handoff=handoff, system=system)
        with nothing_sent():
            item.progress = {HEARD_AT: now().isoformat()}
            item.save(update_fields=["progress"])
    system.end(conversation, send_before=send_before)


def _has_just_heard(item: Outgoing) -> bool:
    heard_at = item.progress.get(HEARD_AT)
    return heard_at is not None and datetime.fromisoformat(heard_at) > now() - FRESH


def _hear(item: Outgoing, *, handoff: Handoff, system: ChatSystem) -> None:
    try:
        with nothing_sent():
            looking.read_messages(handoff, system)
    except Rejected:
        return  # it is shut already
    except (Ambiguous, StillUnknown) as exc:
        if now() - item.created_at < PATIENCE:
            raise NotSent(f"Not left before it is read: {exc.detail}") from exc
