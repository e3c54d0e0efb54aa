"""The form of the Configurations page: a bot, and its connection's credentials."""

from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from unfold.widgets import (
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanWidget,
)

from handoff.admin import fields, texts
from handoff.models import Bot
from servicenow_auth import addresses
from servicenow_auth.exceptions import BadAddress
from servicenow_auth.fields import Secret
from servicenow_auth.models import AuthorizationType, Connection

if TYPE_CHECKING:  # takes no parameter at run time
    BotModelForm = forms.ModelForm[Bot]
else:
    BotModelForm = forms.ModelForm

SECRETS = ("password", "client_secret", "refresh_token")
CREDENTIALS = {
    AuthorizationType.BASIC: ("user_name", "password"),
    AuthorizationType.OAUTH: ("client_id", "client_secret", "refresh_token"),
}
# A change of one of these may make another ServiceNow user of us.
IDENTITY = ("host_url", "authorization_type", "user_name")


class BotForm(BotModelForm):
    host_url = fields.text(
        "Host URL",
        max_length=500,
        help_text="The address of your ServiceNow instance, like "
        "https://example.service-now.com. A longer address may be pasted.",
    )
    stored_host = forms.CharField(
        required=False, disabled=True, widget=forms.HiddenInput()
    )
    confirm_host = forms.BooleanField(
        label="Clear the stored credentials",
        required=False,
        widget=UnfoldBooleanWidget(),
        help_text="Password, Client Secret and tokens belong to the Host URL stored so "
        "far. They are cleared when it changes, so that they cannot be sent elsewhere.",
    )
    authorization_type = forms.ChoiceField(
        label="Authorization Type",
        choices=AuthorizationType.choices,
        widget=UnfoldAdminSelectWidget(),
    )
    user_name = fields.text("User Name")
    password = fields.secret("Password", strip=False)
    client_id = fields.text("Client ID")
    client_secret = fields.secret("Client Secret")
    refresh_token = fields.secret("Refresh Token")
    queue_id = fields.text(
        "Queue ID",
        max_length=32,
        validators=[
            RegexValidator(
                r"^(?i:[0-9a-f]{32})$",
                "A Queue ID is the sys_id of a queue: 32 characters, 0-9 and a-f. "
                "In ServiceNow, right-click the queue and choose Copy sys_id.",
            )
        ],
        help_text="The sys_id of the queue in which handoffs wait.",
    )

    text_queued = fields.stage_text("Waiting in the queue")
    text_wait_time = fields.stage_text("Waiting time changed")
    text_accepted = fields.stage_text("An agent accepted")
    text_transferred = fields.stage_text("Another agent took over")
    text_idle_warning = fields.stage_text("Will end soon, nobody writes")
    text_ended = fields.stage_text("Ended")
    text_failed = fields.stage_text("Failed: no agent accepted")
    other_texts = fields.StrictJSONField(
        label="In other languages",
        required=False,
        initial=dict,
        widget=UnfoldAdminTextareaWidget({"rows": 4, "spellcheck": "false"}),
        help_text="JSON: stage, language, text. For example "
        "{&quot;handoff.queued&quot;: {&quot;de&quot;: &quot;Einen Moment "
        "bitte.&quot;}}. A language without a text gets the one above.",
    )

    wait_minutes = fields.minutes(
        "Longest wait for an agent",
        initial=30,
        help_text="In minutes. The handoff fails when nobody accepted it by then.",
    )
    idle_minutes = fields.minutes(
        "Longest silence",
        initial=30,
        help_text="In minutes. The handoff ends when nobody wrote for so long.",
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
            "owner_group",
        ]
        help_texts = {
            "callback_url": "ServiceNow calls it: the endpoint of the REST message.",
            "redirect_url": "For OAuth: enter it in ServiceNow's Application Registry.",
            "enabled": "While it is off, new handoffs are refused; open ones go on.",
            "webhook_url": "Your bot's address for signed events. Leave it blank if "
            "the bot reads them from the feed, GET /api/v1/events.",
            "send_transcript": "What was said to the bot before is sent to the agent.",
        }
        widgets = {"webhook_url": UnfoldAdminTextInputWidget({"autocomplete": "off"})}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        bot: Bot | None = kwargs.get("instance")
        self.connection = bot.connection if bot else None
        stored = _initial(bot) if bot else texts.FIRST_TEXTS
        kwargs["initial"] = {**stored, **(kwargs.get("initial") or {})}
        super().__init__(*args, **kwargs)
        for name, value in _secrets(self.connection).items():
            keep = " Leave it blank to keep it." if value else ""
            self.fields[name].help_text = f"{fields.describe(value)}{keep}"

    def full_clean(self) -> None:
        super().full_clean()
        for name in SECRETS if self.errors else ():
            if self.data.get(name) and not self.has_error(name):
                self.add_error(name, "Enter it again: it is never put into a page.")

    def clean_host_url(self) -> str:
        typed = self.cleaned_data["host_url"]
        return _checked(addresses.servicenow_origin, typed) if typed else ""

    def clean_webhook_url(self) -> str:
        typed = self.cleaned_data["webhook_url"]
        return _checked(addresses.webhook_url, typed) if typed else ""

    def clean_queue_id(self) -> str:
        return str(self.cleaned_data["queue_id"]).lower()

    def clean_other_texts(self) -> Any:
        others = self.cleaned_data["other_texts"]
        if others is None:
            return {}
        texts.check(others)
        return others

    def clean(self) -> None:
        super().clean()
        if self.connection:
            self._check_host(self.connection)
            self._check_user(self.connection)

    def _check_host(self, connection: Connection) -> None:
        host = self.cleaned_data.get("host_url", connection.host_url)
        if host == connection.host_url or self.cleaned_data["confirm_host"]:
            return
        if _holds_secrets(connection):
            self.add_error(
                "confirm_host",
                f"The Host URL changes from {connection.host_url} to "
                f"{host or 'nothing'}. Tick this to clear what is stored for the old "
                "one, or enter the old one again.",
            )

    def _check_user(self, connection: Connection) -> None:
        """Refuse another ServiceNow user while conversations run as the present one."""
        changed = [
            name
            for name in IDENTITY
            if self.cleaned_data.get(name, "") != getattr(connection, name)
            and name not in self.errors
        ]
        user, count = (
            connection.runtime.user_name,
            self.instance.handoffs.open().count(),
        )
        if changed and user and count:
            self.add_error(
                changed[0],
                f"{count} open handoffs run as {user}. Switch Enable off, wait until "
                "they have ended, then change this.",
            )

    def stage_texts(self) -> texts.Texts:
        return texts.join(self.cleaned_data)

    def credentials(self) -> dict[str, Any]:
        """Return what `servicenow_auth.services.configure` takes.

        Fields of the other authorization type are hidden: what is stored in them stays.
        """
        stored, given = self.connection, self.cleaned_data
        chosen = CREDENTIALS[given["authorization_type"]]
        kept = {
            "user_name": stored.user_name if stored else "",
            "client_id": stored.client_id if stored else "",
        }
        return {
            "host_url": given["host_url"],
            "authorization_type": given["authorization_type"],
            **{
                name: given[name] if name in chosen else kept.get(name)
                for names in CREDENTIALS.values()
                for name in names
            },
        }


def _initial(bot: Bot) -> dict[str, Any]:
    connection = bot.connection
    return {
        "host_url": connection.host_url,
        "stored_host": connection.host_url if _holds_secrets(connection) else "",
        "authorization_type": connection.authorization_type,
        "user_name": connection.user_name,
        "client_id": connection.client_id,
        "wait_minutes": bot.wait_timeout // timedelta(minutes=1),
        "idle_minutes": bot.idle_timeout // timedelta(minutes=1),
        **texts.split(bot.texts),
    }


def _secrets(connection: Connection | None) -> dict[str, Secret | None]:
    if connection is None:
        return {}
    return {
        "password": connection.password,
        "client_secret": connection.client_secret,
        "refresh_token": connection.runtime.refresh_token,
    }


def _holds_secrets(connection: Connection) -> bool:
    return any(_secrets(connection).values())


def _checked(reduce: Callable[[str], str], typed: str) -> str:
    try:
        return reduce(typed)
    except BadAddress as exc:
        raise ValidationError(str(exc)) from exc
