"""What a bot is yet to be told: of messages in a row that arrived, all at once.

That one arrived is in its row, so who follows a worker that died owing pays for it.
"""

import time

from django.db import transaction

from handoff import lifecycle
from handoff.models import Handoff, Outgoing

PAY_AFTER = 1.0  # seconds


class Debt:
    """What the owner of a lane to ServiceNow owes its bot."""

    def __init__(self, *, is_inherited: bool) -> None:
        self.is_open = is_inherited
        self.paid_at = time.monotonic()

    @property
    def may_grow(self) -> bool:
        return time.monotonic() < self.paid_at + PAY_AFTER

    def add(self, item: Outgoing) -> None:
        said_by_bot = item.message is not None and item.message.client_id is not None
        item.is_untold = item.is_last_part and said_by_bot
        self.is_open = True

    def pay(self, handoff: Handoff) -> None:
        """Tell of all that is owed; the caller has locked the handoff and the lane."""
        self.paid_at = time.monotonic()
        if self.is_open:
            lifecycle.tell_delivered(handoff)
            transaction.on_commit(self._close, robust=True)

    def _close(self) -> None:
        self.is_open = False
