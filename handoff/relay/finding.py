"""Ask ServiceNow for an item of unknown outcome: what can be asked, and where."""

from dataclasses import dataclass

from django.db import transaction

from handoff import lifecycle
from handoff.chat_systems import ChatSystem, Conversation, InboundMessage, Observation
from handoff.events import GONE_BY_THEMSELVES
from handoff.incidents import Created
from handoff.models import Handoff, Outgoing
from handoff.relay import read_back, speaking, ticket
from handoff.relay.observing import observe
from handoff.relay.routes import GaveUp, NotThere
from servicenow_auth.client import Instance

CLOSED = "The conversation was closed before it arrived."


@dataclass(frozen=True, kw_only=True)
class Search:
    """What became of items of one handoff; each answer is that of `Route.find`."""

    handoff: Handoff
    chat_system: ChatSystem
    instance: Instance

    def can_find(self, item: Outgoing) -> bool:
        """Tell it of what can be read: everything, or texts as they were sent."""
        if self.chat_system.traits.can_read or item.kind == Outgoing.Kind.TICKET:
            return True
        is_plain = item.attachment is None and not item.choice_value
        is_text = item.kind == Outgoing.Kind.MESSAGE and is_plain
        return is_text and bool(self.handoff.entry_id)

    def find(self, item: Outgoing) -> Observation | Created | str | None:
        if item.kind == Outgoing.Kind.TICKET:
            return ticket.found(item, handoff=self.handoff, instance=self.instance)
        if item.kind == Outgoing.Kind.START:
            entries = self.chat_system.entries(queue_id=self.handoff.queue_id)
            return read_back.opened(
                item, entries, handoff=self.handoff, read=self._read
            )
        conversation = speaking.conversation(self.handoff)
        if item.kind == Outgoing.Kind.END:
            read_back.ended(item, self.chat_system.observe(conversation))
            return None
        return self._find_message(item, conversation)

    def _find_message(self, item: Outgoing, conversation: Conversation) -> str:
        shown = self._read(conversation)
        try:
            return read_back.found(item, shown, handoff=self.handoff)
        except NotThere:
            if self._would_be_dropped(conversation):
                raise GaveUp(CLOSED) from None
            raise

    def _would_be_dropped(self, conversation: Conversation) -> bool:
        """Tell whether it is over, where a message after the end is answered 200.

        Who could not be told of the end by callback is told of it here. As long as only
        the user has gone, what he said before goes on to the agent.
        """
        if self.chat_system.traits.can_read:
            return False
        seen = self.chat_system.observe(conversation)
        with transaction.atomic():
            handoff = lifecycle.lock(self.handoff.pk)
            if seen is not None:
                observe(handoff, seen)
            if seen is not None and handoff.is_final:
                lifecycle.give_up_pending(handoff, error=CLOSED)
            was_ended = handoff.is_final and handoff.reason not in GONE_BY_THEMSELVES
            return bool(seen or handoff.pending_end or was_ended)

    def _read(self, conversation: Conversation) -> list[InboundMessage]:
        since = speaking.first_word(self.handoff)
        return self.chat_system.messages(conversation, since=since)
