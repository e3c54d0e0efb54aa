"""Logging in: a password, and outside the demo a one-time code with it."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.conf import settings
from django.contrib.auth.models import User
from django_otp.forms import OTPAuthenticationFormMixin
from django_otp.models import Device
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice
from unfold.widgets import BASE_INPUT_CLASSES

if TYPE_CHECKING:  # neither package has types
    from django.contrib.admin.forms import AdminAuthenticationForm

    class PasswordForm(AdminAuthenticationForm):
        def clean_otp(self, user: User | None) -> None: ...
else:
    from unfold.forms import AuthenticationForm

    class PasswordForm(OTPAuthenticationFormMixin, AuthenticationForm):
        pass


TOTP_DIGITS = 6


class LoginForm(PasswordForm):
    otp_token = forms.CharField(
        label="One-time code",
        help_text="From your authenticator app, or one of your recovery codes.",
        widget=forms.TextInput(
            {"autocomplete": "one-time-code", "class": " ".join(BASE_INPUT_CLASSES)}
        ),
    )

    otp_error_messages = OTPAuthenticationFormMixin.otp_error_messages | {
        "token_required": "Enter a one-time code.",
        "invalid_token": "This code is wrong, or was used before. Enter the next one.",
        "device_required": "This user has no second factor yet. An operator makes one: "
        "manage.py create_operator USERNAME --renew",
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if settings.DEMO:
            del self.fields["otp_token"]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        if not settings.DEMO:
            self.clean_otp(self.get_user())
        return cleaned or {}

    def clean_otp_token(self) -> str:
        return "".join(str(self.cleaned_data["otp_token"]).split()).lower()

    def _chosen_device(self, user: User) -> Device | None:
        # The two kinds of code look different, so nobody needs to choose from a list,
        # and a mistyped one slows down its own device alone.
        code = self.cleaned_data.get("otp_token", "")
        kind = TOTPDevice if len(code) == TOTP_DIGITS else StaticDevice
        return kind.objects.devices_for_user(user, confirmed=True).first()

    def _update_form(self, user: User) -> None:
        """Keep the password out of the page, where the mixin would put it back."""
