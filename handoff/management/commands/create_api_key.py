from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from handoff import services
from handoff.models import Bot


class Command(BaseCommand):
    help = "Make one more API key for a bot, and print it; it is not shown again."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("bot", help="the bot's slug")
        parser.add_argument("--name", default="", help="what the key is for")

    def handle(self, *, bot: str, name: str, **options: Any) -> str:
        found = Bot.objects.filter(slug=bot).first()
        if found is None:
            slugs = ", ".join(Bot.objects.values_list("slug", flat=True)) or "none"
            raise CommandError(f"There is no bot “{bot}”. Bots: {slugs}.")
        _, value = services.create_api_key(bot=found, name=name)
        return value
