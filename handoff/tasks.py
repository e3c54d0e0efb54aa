"""Celery's door: ids in, one call.

A delivery that failed is a row with a time; nothing here is retried by Celery, and a
task that is lost or comes twice changes nothing.
"""

from uuid import UUID

from celery import shared_task

from handoff import relay
from handoff.relay import courtesies, inbox, looking, reconciling, watching


@shared_task
def drain_lane(lane_id: int) -> None:
    relay.drain(lane_id)


@shared_task
def process_callbacks(bot_id: str, group_id: str) -> None:
    inbox.process(bot_id=UUID(bot_id), group_id=group_id)


@shared_task
def look_at_handoff(handoff_id: str) -> None:
    looking.look(UUID(handoff_id))


@shared_task
def reconcile(bot_id: str) -> None:
    reconciling.reconcile(UUID(bot_id))


@shared_task
def show_typing(handoff_id: str, typing: int) -> None:
    courtesies.show_typing(UUID(handoff_id), typing=bool(typing))


@shared_task
def send_receipts(handoff_id: str) -> None:
    courtesies.send_receipts(UUID(handoff_id))


@shared_task
def sweep() -> None:
    """Ring for everything that is due: the one clock of the relay."""
    relay.sweep()


@shared_task
def watch() -> None:
    watching.watch()
