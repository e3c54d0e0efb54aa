import os
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError


class Command(BaseCommand):
    help = "Bring the demo's database up to date and make its administrator."

    def handle(self, *args: Any, **options: Any) -> None:
        """Take the name `admin` and the password of DJANGO_SUPERUSER_PASSWORD."""
        if not settings.DEMO:
            raise CommandError("Only for a demo: DEMO=1 is not set.")
        call_command("migrate", verbosity=0, interactive=False)
        user, _ = get_user_model().objects.get_or_create(username="admin")
        user.is_staff = user.is_superuser = user.is_active = True
        user.set_password(os.environ["DJANGO_SUPERUSER_PASSWORD"])
        user.save()
