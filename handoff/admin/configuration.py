"""Saving the Configurations page, and asking ServiceNow whether it works.

What was typed is stored first, whatever ServiceNow says to it. Enable is switched on
only after the checks, so that a process that dies in between leaves the bot off.
"""

from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.db import transaction

from handoff import chat_systems, services
from handoff.admin import agent_chat
from handoff.admin.connection import CREDENTIALS
from handoff.admin.forms import BotForm
from handoff.models import AgentChatConfiguration, Bot
from handoff.models.bot import ChatSystem
from servicenow_auth import services as connections
from servicenow_auth.exceptions import (
    DeliveryError,
    Rejected,
    ServiceNowAuthError,
    Unauthorized,
)
from servicenow_auth.fields import Secret
from servicenow_auth.models import AuthorizationType, Connection

CALLS = {"host_url", "authorization_type", *CREDENTIALS}
CHECKED = CALLS | {"queue_id", "chat_system"}


class CannotEnable(Exception):
    """Says what to do; `lasting` unless it may work by itself in a while."""

    def __init__(self, sentence: str, *, lasting: bool = True) -> None:
        super().__init__(sentence)
        self.lasting = lasting


@transaction.atomic
def create(form: BotForm) -> None:
    """Store a new bot, not enabled yet, with the rows that it runs on."""
    bot = form.instance
    bot.connection = connections.create_connection(owner_group=bot.owner_group)
    _take_over(form)
    bot.enabled = False
    bot.save(force_insert=True)
    connections.configure(bot.connection, **form.credentials())
    services.prepare_bot(bot=bot)
    _configure_agent_chat(form, moved=False)


@transaction.atomic
def update(form: BotForm) -> None:
    """Store what the form changed and no other column, so a late save undoes nothing.

    Enable is left as it is where it is to be switched on: see `verdict`.
    """
    bot = form.instance
    _take_over(form)
    columns = {*BotForm.Meta.fields, "wait_timeout", "idle_timeout", "texts"}
    if bot.enabled:
        columns.remove("enabled")
    bot.save(update_fields=columns)
    held = Connection.objects.select_for_update().get(pk=bot.connection.pk)
    _configure_agent_chat(form, moved=held.host_url != form.cleaned_data["host_url"])
    bot.connection.owner_group = bot.owner_group
    connections.configure(bot.connection, **form.credentials())


def _take_over(form: BotForm) -> None:
    bot = form.instance
    bot.wait_timeout = timedelta(minutes=form.cleaned_data["wait_minutes"])
    bot.idle_timeout = timedelta(minutes=form.cleaned_data["idle_minutes"])
    bot.texts = form.stage_texts()


def _configure_agent_chat(form: BotForm, *, moved: bool) -> None:
    """Store what the form holds for it; a secret goes with the host it is for."""
    changes: dict[str, Any] = {"message_secret": None} if moved else {}
    if form.instance.chat_system == ChatSystem.AGENT_CHAT:
        changes |= agent_chat.changes(form.cleaned_data)
        if secret := form.cleaned_data["message_secret"]:
            changes["message_secret"] = Secret(secret)
    stored = AgentChatConfiguration.objects.get(bot=form.instance)
    for column, value in changes.items():
        setattr(stored, column, value)
    stored.save(update_fields=changes)


def verdict(form: BotForm) -> tuple[int, str]:
    """Ask ServiceNow what the save calls for; return a message's level and text.

    A bot that is running is not switched off because its instance is away.
    """
    bot = Bot.objects.select_related("connection__runtime").get(pk=form.instance.pk)
    changed, wanted = set(form.changed_data), form.cleaned_data["enabled"]
    running = bot.enabled
    try:
        if wanted and (not running or changed & CHECKED):
            check(bot)
            Bot.objects.filter(pk=bot.pk).update(enabled=True)
        elif changed & CALLS and not _missing(bot.connection):
            ask_who_we_are(bot.connection)
    except CannotEnable as exc:
        if not wanted or (running and not exc.lasting):
            return messages.WARNING, f"Saved. {exc}"
        Bot.objects.filter(pk=bot.pk).update(enabled=False)
        return messages.ERROR, f"Saved, but Enable is off: {exc}"
    return messages.SUCCESS, "Saved."


def before_authorization(form: BotForm) -> tuple[int, str]:
    """Return the message for the way to ServiceNow; nothing can be asked yet."""
    running = Bot.objects.filter(pk=form.instance.pk, enabled=True).exists()
    if form.cleaned_data["enabled"] and not running:
        return messages.WARNING, "Saved. Switch Enable on once ServiceNow agreed."
    return messages.SUCCESS, "Saved."


def check(bot: Bot) -> None:
    """Make the quick checks; raise CannotEnable with what a person can do."""
    missing = _missing(bot.connection)
    if missing:
        raise CannotEnable(missing)
    if chat_systems.traits(bot).needs_queue and not bot.queue_id:
        raise CannotEnable("The Queue ID is missing.")
    ask_who_we_are(bot.connection)


def _missing(connection: Connection) -> str:
    if not connection.host_url:
        return "The Host URL is missing."
    if connection.authorization_type == AuthorizationType.BASIC:
        complete = connection.user_name and connection.password
        return "" if complete else "The User Name or the Password is missing."
    if not (connection.client_id and connection.client_secret):
        return "The Client ID or the Client Secret is missing."
    if not connection.runtime.refresh_token:
        return "Nobody has authorized it yet: click Authorize."
    return ""


def ask_who_we_are(connection: Connection) -> str:
    """Return the name of our ServiceNow user, or raise CannotEnable."""
    try:
        return connections.who_am_i(connection).user_name
    except (Unauthorized, ServiceNowAuthError) as exc:
        cure = (
            "Check User Name and Password."
            if connection.authorization_type == AuthorizationType.BASIC
            else "Check Client ID and Client Secret, then click Authorize."
        )
        raise CannotEnable(f"{exc.detail} {cure}") from exc
    except Rejected as exc:
        cure = "The integration user must be allowed to read its own sys_user record."
        raise CannotEnable(f"{exc.detail} {cure}") from exc
    except DeliveryError as exc:
        raise CannotEnable(f"Host unreachable: {exc.detail}", lasting=False) from exc
