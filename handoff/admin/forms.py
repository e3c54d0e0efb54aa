"""The form of the Configurations page, put together."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.validators import RegexValidator
from django.db.models import Q
from unfold.widgets import UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from handoff.admin import agent_chat, conditions, connection, fields, texts
from handoff.admin.agent_chat import AgentChatFields
from handoff.admin.conditions import (
    AGENT_CHAT,
    BY_ROUTING_API,
    BY_VARIABLE,
    CONNECT_SUPPORT,
    told_with,
)
from handoff.admin.connection import ConnectionFields, checked, secrets_of
from handoff.admin.files import FileFields
from handoff.admin.texts import TextFields
from handoff.admin.waiting import WaitingFields
from handoff.chat_systems.values import SYS_ID
from handoff.models import AgentChatConfiguration, Bot, Outgoing
from handoff.models.bot import CallbackAuthentication, ChatSystem
from handoff.models.handoff import OPEN_STATES
from handoff.models.lane import UNSETTLED
from servicenow_auth import addresses
from servicenow_auth.models import Connection

if TYPE_CHECKING:  # takes no parameter at run time
    BotModelForm = forms.ModelForm[Bot]
else:
    BotModelForm = forms.ModelForm

SECRETS = ("password", "client_secret", "refresh_token", "message_secret")
# The fields that decide which others are there.
SELECTS = (
    "chat_system",
    "authorization_type",
    "message_auth",
    "queue_mode",
    "without_agent",
)
WAIT = "Switch Enable off, wait until they have ended, then change this."
# A change of one of these may make another ServiceNow user of us.
IDENTITY = ("host_url", "authorization_type", "user_name")


class AuthenticationSelect(UnfoldAdminSelectWidget):  # type: ignore[misc]  # unfold has no types
    """Leaves out, in the page, what the chosen chat system cannot do."""

    def create_option(self, name: str, value: Any, *args: Any, **kwargs: Any) -> Any:
        option = super().create_option(name, value, *args, **kwargs)
        if value == CallbackAuthentication.SIGNATURE:
            can_sign = conditions.expression(CONNECT_SUPPORT)
            option["attrs"]["x-bind:hidden"] = f"!({can_sign})"
        return option


class BotForm(
    ConnectionFields,
    AgentChatFields,
    FileFields,
    TextFields,
    WaitingFields,
    BotModelForm,
):
    queue_id = fields.text(
        "Queue ID",
        max_length=100,
        validators=[
            RegexValidator(r"\A[0-9A-Za-z_-]+\Z", "Letters, digits, - and _ only.")
        ],
        help_text=told_with(
            CONNECT_SUPPORT, "The sys_id of the queue in which handoffs wait."
        )
        + told_with(
            BY_ROUTING_API,
            "The sys_id of the queue, in Advanced Work Assignment → Queues.",
        )
        + told_with(
            BY_VARIABLE,
            "The value with which the queues' routing conditions compare the context "
            "variable. Where it is blank, ServiceNow chooses.",
        ),
    )

    class Meta:
        model = Bot
        fields = [
            "name",
            "slug",
            "chat_system",
            "queue_id",
            "enabled",
            "webhook_url",
            "callback_authentication",
            "accept_existing_rules",
            "send_transcript",
            "handoffs_per_hour",
            "without_agent",
            "assignment_group",
            "max_attachments",
            "max_attachment_megabytes",
            "attachment_types",
            "owner_group",
        ]
        help_texts = {
            "chat_system": "Connect Support cannot be newly activated from Utah on.",
            "callback_url": "ServiceNow calls it. "
            + told_with(CONNECT_SUPPORT, "It is the Endpoint of the REST message.")
            + told_with(
                AGENT_CHAT,
                "It is the Connection URL of Bot Connection; before version 4.1 of the "
                "app Virtual Agent API, the Endpoint of the REST message VA Bot to Bot "
                "and of its method postMessage.",
            ),
            "callback_authentication": "How a callback proves to be ServiceNow's. "
            + told_with(
                AGENT_CHAT, "Agent Chat cannot sign: Signed becomes Static header."
            )
            + "After another choice, save, then make a new callback secret: it comes "
            "with what to do with it.",
            "redirect_url": "For OAuth: enter it in ServiceNow's Application Registry.",
            "enabled": "While it is off, new handoffs are refused; open ones go on.",
            "webhook_url": "Your bot's address for signed events. Leave it blank if "
            "the bot reads them from the feed, GET /api/v1/events.",
            "send_transcript": "What was said to the bot before is sent to the agent.",
        }
        widgets = {
            "webhook_url": UnfoldAdminTextInputWidget({"autocomplete": "off"}),
            "callback_authentication": AuthenticationSelect(),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        bot: Bot | None = kwargs.get("instance")
        self.connection = bot.connection if bot else None
        self.secrets = secrets_of(bot) if bot else {}
        stored = _initial(bot) if bot else _first()
        kwargs["initial"] = {**stored, **(kwargs.get("initial") or {})}
        super().__init__(*args, **kwargs)
        for name, value in self.secrets.items():
            keep = " Leave it blank to keep it." if value else ""
            self.fields[name].help_text += f"{fields.describe(value)}{keep}"

    def full_clean(self) -> None:
        """Clean what stands on the page; in a hidden field nothing was typed."""
        hidden = conditions.hidden({name: self.data.get(name) for name in SELECTS})
        absent = [self.fields[name] for name in hidden & self.fields.keys()]
        for field in absent:
            field.disabled = True
        super().full_clean()
        self.has_changed()  # is kept as it is found now
        for field in absent:
            field.disabled = False
        for name in SECRETS if self.errors else ():
            typed = name not in hidden and self.data.get(name)
            if typed and not self.has_error(name):
                self.add_error(name, "Enter it again: it is never put into a page.")

    def clean_webhook_url(self) -> str:
        typed = self.cleaned_data["webhook_url"]
        return checked(addresses.webhook_url, typed) if typed else ""

    def clean_queue_id(self) -> str:
        """Return a sys_id as ServiceNow writes it, and any other name as typed."""
        typed: str = self.cleaned_data["queue_id"]
        lowered = typed.lower()
        return lowered if SYS_ID.fullmatch(lowered) else typed

    def clean(self) -> None:
        super().clean()
        if self.cleaned_data.get("chat_system") == ChatSystem.AGENT_CHAT:
            kept = {} if self.moves() else self.secrets
            self.check_agent_chat(has_secret=bool(kept.get("message_secret")))
            self._replace_signature()
        else:
            self._check_sys_id()
        self.check_host()
        if self.connection:
            self._check_chat_system()
            self._check_open_handoffs(self.connection)

    def _replace_signature(self) -> None:
        given = self.cleaned_data.get("callback_authentication")
        if given == CallbackAuthentication.SIGNATURE:
            header = CallbackAuthentication.HEADER
            self.cleaned_data["callback_authentication"] = header

    def _check_sys_id(self) -> None:
        typed = self.cleaned_data.get("queue_id")
        if typed and not SYS_ID.fullmatch(typed):
            self.add_error(
                "queue_id",
                "With Connect Support, a Queue ID is the sys_id of a queue: 32 "
                "characters, 0-9 and a-f. In ServiceNow, right-click the queue and "
                "choose Copy sys_id.",
            )

    def _check_chat_system(self) -> None:
        """Refuse another one while a handoff, or what it left, needs this one."""
        system = self.instance.chat_system
        if self.cleaned_data.get("chat_system", system) == system:
            return
        unsettled = Outgoing.objects.filter(
            lane__bot=self.instance, state__in=UNSETTLED
        )
        unsaid = Q(pk__in=unsettled.values("lane__handoff"))
        count = self.instance.handoffs.filter(Q(state__in=OPEN_STATES) | unsaid).count()
        if count:
            where = ChatSystem(system).label
            self.add_error("chat_system", f"{count} open handoffs use {where}. {WAIT}")

    def _check_open_handoffs(self, connection: Connection) -> None:
        """Refuse another user while conversations run as the present one."""
        count = self.instance.handoffs.open().count()
        user = connection.runtime.user_name
        if not count:
            return
        changed = [
            name
            for name in IDENTITY
            if self.cleaned_data.get(name, "") != getattr(connection, name)
            and name not in self.errors
        ]
        if changed and user:
            self.add_error(changed[0], f"{count} open handoffs run as {user}. {WAIT}")


def _first() -> dict[str, Any]:
    bot = Bot()
    return {
        **texts.FIRST_TEXTS,
        **{name: getattr(bot, name) for name in FileFields.base_fields},
        **agent_chat.initial(AgentChatConfiguration()),
    }


def _initial(bot: Bot) -> dict[str, Any]:
    return {
        **connection.initial(bot.connection, secrets=secrets_of(bot)),
        "wait_minutes": bot.wait_timeout // timedelta(minutes=1),
        "idle_minutes": bot.idle_timeout // timedelta(minutes=1),
        **texts.split(bot.texts),
        **agent_chat.initial(bot.agent_chat),
    }
