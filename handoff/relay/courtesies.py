"""What the agent is shown besides messages: that the user types, and receipts.

Best effort: nothing of it is an item, and whatever fails is made up for or forgotten.
"""

import logging
from collections.abc import Callable, Iterable
from datetime import timedelta
from uuid import UUID

from django.db.models import QuerySet
from django.utils.timezone import now

from handoff import bulkheads, chat_systems, doorbell
from handoff.chat_systems import ChatSystem
from handoff.models import Event, Handoff, Message
from handoff.models.handoff import State
from handoff.models.lane import Direction, ItemState
from handoff.models.message import Receipt
from handoff.relay import speaking
from servicenow_auth.client import Instance
from servicenow_auth.exceptions import DeliveryError, NotSent, Rejected
from servicenow_auth.models import State as AuthorizationState

logger = logging.getLogger(__name__)

BATCH = 200
# The tick of an older message is of no use to anybody.
RECEIPTS_FOR = timedelta(hours=1)
SETTLED = (ItemState.SENT, ItemState.FAILED)


def show_typing(handoff_id: UUID, *, typing: bool) -> None:
    """Show the agent that the user types, or stopped."""
    handoff = _find(handoff_id)
    if handoff.state == State.ACCEPTED:
        conversation = speaking.conversation(handoff)
        _call(handoff, lambda system: system.set_typing(conversation, typing=typing))


def ring_receipt(event: Event) -> None:
    """Ring for the receipt of an event that is settled, if there is to be one."""
    if event.message and event.message.receipt == Receipt.DUE:
        doorbell.ring_receipts(event.message.handoff_id)


def send_receipts(handoff_id: UUID) -> None:
    """Show the agent which of his messages reached the bot, and which never will."""
    handoff = _find(handoff_id)
    due = _due().filter(handoff=handoff).values_list("sys_id", "events__state")
    receipts = {sys_id: state == ItemState.SENT for sys_id, state in due[:BATCH]}
    if not receipts:
        return
    conversation = speaking.conversation(handoff)
    error = _call(handoff, lambda system: system.acknowledge(conversation, receipts))
    if isinstance(error, Rejected):
        _note(handoff, receipts, Receipt.REFUSED)
    elif error is None:
        delivered = {sys_id for sys_id, reached in receipts.items() if reached}
        _note(handoff, delivered, Receipt.DELIVERED)
        _note(handoff, receipts.keys() - delivered, Receipt.FAILED)


def ring_for_receipts() -> None:
    """Ring again where a ring, or the call after it, was lost."""
    for handoff_id in _due().values_list("handoff", flat=True).distinct()[:BATCH]:
        doorbell.ring("send_receipts", str(handoff_id))


def _due() -> QuerySet[Message]:
    return Message.objects.filter(
        receipt=Receipt.DUE,
        created_at__gt=now() - RECEIPTS_FOR,
        events__state__in=SETTLED,
    ).order_by()


def _note(handoff: Handoff, sys_ids: Iterable[str], receipt: Receipt) -> None:
    handoff.messages.filter(sys_id__in=sys_ids).update(receipt=receipt)


def _find(handoff_id: UUID) -> Handoff:
    related = ("bot__connection__runtime", "bot__agent_chat")
    return Handoff.objects.select_related(*related).get(pk=handoff_id)


def _call(handoff: Handoff, call: Callable[[ChatSystem], None]) -> DeliveryError | None:
    """Make a call, and return why it was not made or not taken."""
    connection = handoff.bot.connection
    if connection.runtime.state != AuthorizationState.READY:
        return NotSent("Not sent: the connection is not authorized.")
    try:
        with bulkheads.share(handoff.bot_id, Direction.TO_SERVICENOW) as has_room:
            if not has_room:
                return NotSent("Not sent: too many calls are under way.")
            with Instance(connection) as instance:
                call(chat_systems.connect(handoff.bot, instance))
    except DeliveryError as exc:
        details = {"handoff_id": handoff.pk, "detail": exc.detail}
        logger.warning("courtesy.failed", extra=details)
        return exc
    return None
