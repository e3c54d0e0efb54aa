from argparse import ArgumentParser
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django.utils.dateparse import parse_datetime
from django.utils.timezone import is_naive, now

from handoff import services
from handoff.exceptions import StillAtWork
from handoff.models import Bot
from servicenow_auth.exceptions import DeliveryError


class Command(BaseCommand):
    help = (
        "Prepare a database that was restored from a backup, before anything else runs"
        " on it: what it takes for unsent is looked up and not sent again, open"
        " handoffs are read again, and cursors from after the backup are refused."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "--since",
            required=True,
            help="when the backup was made, or earlier: 2026-11-22T03:00, in UTC",
        )
        parser.add_argument(
            "--dry-run", action="store_true", help="say what would change, and stop"
        )
        parser.add_argument(
            "--force", action="store_true", help="also where processes seem to be alive"
        )

    def handle(self, *, since: str, dry_run: bool, force: bool, **options: Any) -> str:
        try:
            with transaction.atomic():
                done = services.after_restore(since=_moment(since), force=force)
                transaction.set_rollback(dry_run)
        except StillAtWork as exc:
            raise CommandError(f"{exc} Or give --force, if none is alive.") from exc
        lines = [
            f"Items of unknown outcome now, to be looked up: {done.items}",
            f"Open handoffs to be read again: {done.handoffs}",
            f"Feeds that are numbered anew: {done.feeds}",
            *_forgotten(),
        ]
        if dry_run:
            lines.append("Nothing was changed.")
        return "\n".join(lines)


def _moment(text: str) -> datetime:
    try:
        moment = parse_datetime(text)
    except ValueError:
        moment = None
    if moment is None:
        raise CommandError(f"“{text}” is no time. Write it as 2026-11-22T03:00.")
    if is_naive(moment):
        moment = moment.replace(tzinfo=UTC)
    if moment > now():
        raise CommandError(f"{moment:%Y-%m-%d %H:%M} UTC is still to come.")
    return moment


def _forgotten() -> Iterator[str]:
    """Say which chats an agent may have open that nobody here knows of."""
    for bot in Bot.objects.select_related("connection__runtime", "agent_chat"):
        try:
            for chat in services.forgotten_chats(bot):
                yield (
                    f"{bot}: {chat.number} in queue {chat.queue_id} is open in"
                    " ServiceNow and unknown here. Have its agent close it."
                )
        except DeliveryError as exc:
            yield f"{bot}: which chats were forgotten could not be asked: {exc}"
