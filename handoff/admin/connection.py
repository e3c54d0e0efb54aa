"""Where ServiceNow is and as whom to call it, as the Configurations page holds it."""

from collections.abc import Callable
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from unfold.widgets import UnfoldBooleanWidget

from handoff.admin import fields
from handoff.models import Bot
from servicenow_auth import addresses
from servicenow_auth.exceptions import BadAddress
from servicenow_auth.fields import Secret
from servicenow_auth.models import AuthorizationType, Connection

CREDENTIALS = ("user_name", "password", "client_id", "client_secret", "refresh_token")


class ConnectionFields(forms.Form):
    # What the form found stored; None and nothing for a new bot.
    connection: Connection | None
    secrets: dict[str, Secret | None]

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
        help_text="Password, Client Secret, tokens and the message authentication "
        "secret belong to the Host URL stored so far. They are cleared when it "
        "changes, so that they cannot be sent elsewhere.",
    )
    authorization_type = fields.choice("Authorization Type", AuthorizationType)
    user_name = fields.text("User Name")
    password = fields.secret("Password", strip=False)
    client_id = fields.text("Client ID")
    client_secret = fields.secret("Client Secret")
    refresh_token = fields.secret("Refresh Token")

    def clean_host_url(self) -> str:
        typed = self.cleaned_data["host_url"]
        return checked(addresses.servicenow_origin, typed) if typed else ""

    def moves(self) -> bool:
        """Tell whether the Host URL becomes another one."""
        if self.connection is None:
            return False
        stored = self.connection.host_url
        return bool(self.cleaned_data.get("host_url", stored) != stored)

    def check_host(self) -> None:
        """Add an error where secrets would be lost that nobody said may go."""
        if self.connection is None or not (self.moves() and any(self.secrets.values())):
            return
        if not self.cleaned_data["confirm_host"]:
            self.add_error(
                "confirm_host",
                f"The Host URL changes from {self.connection.host_url} to "
                f"{self.cleaned_data['host_url'] or 'nothing'}. Tick this to clear "
                "what is stored for the old one, or enter the old one again.",
            )

    def credentials(self) -> dict[str, Any]:
        """Return what `servicenow_auth.services.configure` takes."""
        names = ("host_url", "authorization_type", *CREDENTIALS)
        return {name: self.cleaned_data[name] for name in names}


def initial(connection: Connection, *, secrets: dict[str, Any]) -> dict[str, Any]:
    """Return what the fields show of a connection; `secrets` are those of its host."""
    return {
        "host_url": connection.host_url,
        "stored_host": connection.host_url if any(secrets.values()) else "",
        "authorization_type": connection.authorization_type,
        "user_name": connection.user_name,
        "client_id": connection.client_id,
    }


def secrets_of(bot: Bot) -> dict[str, Secret | None]:
    """Return what belongs to the instance at the Host URL, by form field."""
    return {
        "password": bot.connection.password,
        "client_secret": bot.connection.client_secret,
        "refresh_token": bot.connection.runtime.refresh_token,
        "message_secret": bot.agent_chat.message_secret,
    }


def checked(reduce: Callable[[str], str], typed: str) -> str:
    """Return the address that was typed as it is stored, or raise ValidationError."""
    try:
        return reduce(typed)
    except BadAddress as exc:
        raise ValidationError(str(exc)) from exc
