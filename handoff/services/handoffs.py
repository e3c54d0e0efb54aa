"""A bot ends a handoff, and asks and tells what is kept nowhere."""

from uuid import UUID

from django.db import transaction

from handoff import chat_systems, doorbell, lifecycle
from handoff.chat_systems import Availability
from handoff.exceptions import QueueMissing
from handoff.models import Bot, Handoff
from handoff.models.handoff import EndedBy, Reason, State
from servicenow_auth.client import Instance
from servicenow_auth.exceptions import DeliveryError, ServiceNowAuthError

ENDERS = {
    Reason.USER_LEFT: EndedBy.USER,
    Reason.COMPLETED: EndedBy.BOT,
    Reason.BOT_ENDED: EndedBy.BOT,
}


@transaction.atomic
def end_handoff(
    *, handoff_id: UUID, bot: Bot, reason: Reason = Reason.BOT_ENDED
) -> Handoff:
    """Make a handoff final for the bot at once; ServiceNow is told by the lane."""
    Handoff.objects.get(pk=handoff_id, bot=bot)
    handoff = lifecycle.lock(handoff_id)
    lifecycle.close(handoff, reason=reason, ended_by=ENDERS[reason])
    return handoff


def set_typing(*, handoff_id: UUID, bot: Bot, typing: bool) -> None:
    """Pass a typing notice on at once, or never: it is kept nowhere."""
    handoff = Handoff.objects.get(pk=handoff_id, bot=bot)
    if handoff.state == State.ACCEPTED and chat_systems.traits(bot).has_typing:
        doorbell.ring_typing(handoff_id, typing=typing)


def availability(*, bot: Bot, queue: str = "") -> Availability:
    """Ask ServiceNow whether a queue takes chats; "unknown" when it does not tell."""
    queue_id = queue or bot.queue_id
    if not queue_id and chat_systems.traits(bot).needs_queue:
        raise QueueMissing("Neither the request nor the bot names a queue.")
    try:
        with Instance(bot.connection) as instance:
            system = chat_systems.connect(bot, instance)
            return system.availability(queue_id=queue_id)
    except (DeliveryError, ServiceNowAuthError):
        return Availability(state="unknown")
