"""The first person who can log in, and every second factor after that."""

import sys
from argparse import ArgumentParser
from getpass import getpass
from typing import Any

from django.contrib.auth.models import User
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError
from django.db import transaction
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

RECOVERY_CODES = 8


class Command(BaseCommand):
    help = "Make a user who may do everything, with a second factor, printed once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username")
        parser.add_argument(
            "--renew",
            action="store_true",
            help="give a user who exists a new second factor instead; also for bot "
            "developers, whom you make in the admin (Staff, and the group of the bot)",
        )

    def handle(self, *, username: str, renew: bool, **options: Any) -> None:
        user = User.objects.filter(username=username).first()
        if renew and user is None:
            raise CommandError(f"There is no user “{username}”.")
        if not renew and user is not None:
            raise CommandError(f"“{username}” exists. Did you mean --renew?")
        with transaction.atomic():
            user = user or self._new_user(username)
            address, codes = new_second_factor(user)
        self.stdout.write("Add this to an authenticator app, as a link or by its key:")
        self.stdout.write(f"  {address}")
        self.stdout.write("Recovery codes, each good for one login without the app:")
        self.stdout.writelines(f"  {code}\n" for code in codes)
        self.stdout.write("None of this is shown again.")

    def _new_user(self, username: str) -> User:
        user = User(username=username, is_staff=True, is_superuser=True)
        password = self._ask_password()
        try:
            user.full_clean(exclude=["password"])
            validate_password(password, user)
        except ValidationError as exc:
            raise CommandError(" ".join(exc.messages)) from exc
        user.set_password(password)
        user.save()
        return user

    def _ask_password(self) -> str:
        """Ask at the terminal, or take the first line of what is piped in."""
        if not sys.stdin.isatty():
            return sys.stdin.readline().rstrip("\n")
        password = getpass("Password: ")
        if password != getpass("Again: "):
            raise CommandError("The two passwords differ.")
        return password


def new_second_factor(user: User) -> tuple[str, list[str]]:
    """Replace the user's devices; return the app's address and recovery codes."""
    TOTPDevice.objects.filter(user=user).delete()
    StaticDevice.objects.filter(user=user).delete()
    app = TOTPDevice.objects.create(user=user, name="Authenticator app")
    recovery = StaticDevice.objects.create(user=user, name="Recovery codes")
    codes = [StaticToken.random_token() for _ in range(RECOVERY_CODES)]
    StaticToken.objects.bulk_create(
        StaticToken(device=recovery, token=code) for code in codes
    )
    return str(app.config_url), codes
