"""Form fields that a model form does not make by itself, in the look of the admin."""

from datetime import datetime
from typing import Any

from django import forms
from django.forms.fields import InvalidJSONInput
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminPasswordWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from handoff import strict_json
from handoff.exceptions import MalformedBody
from servicenow_auth.exceptions import SealBroken
from servicenow_auth.fields import Secret


class StrictJSONField(forms.JSONField):
    """Shows as it was typed what is refused: a lone surrogate fits into no page."""

    def bound_data(self, data: Any, initial: Any) -> Any:
        try:
            strict_json.load_json((data or "").encode())
        except MalformedBody:
            return InvalidJSONInput(data or "")
        return super().bound_data(data, initial)


def text(label: str, **options: Any) -> forms.CharField:
    # Browsers keep what is typed here out of their memory: these are other systems'
    # names and addresses.
    widget = UnfoldAdminTextInputWidget({"autocomplete": "off"})
    options = {"required": False, "max_length": 255, "widget": widget, **options}
    return forms.CharField(label=label, **options)


def secret(label: str, *, strip: bool = True) -> forms.CharField:
    """Return a field that is written and never shown; blank keeps what is stored."""
    widget = UnfoldAdminPasswordWidget({"autocomplete": "new-password"})
    return forms.CharField(
        label=label, required=False, strip=strip, max_length=4_000, widget=widget
    )


def minutes(label: str, **options: Any) -> forms.IntegerField:
    """Return a field for a time of one minute to one day."""
    return forms.IntegerField(
        label=label,
        min_value=1,
        max_value=1_440,
        widget=UnfoldAdminIntegerFieldWidget(),
        **options,
    )


def stage_text(label: str, *, help_text: str = "") -> forms.CharField:
    widget = UnfoldAdminTextareaWidget({"rows": 2})
    return forms.CharField(
        label=label,
        required=False,
        max_length=2_000,
        help_text=help_text,
        widget=widget,
    )


def describe(value: Secret | None, *, until: datetime | None = None) -> str:
    """Tell of a stored secret what may be told: since when, and which it is."""
    if value is None:
        return "Not set."
    try:
        set_at, fingerprint = value.set_at, value.fingerprint
    except SealBroken:
        return "Cannot be opened with the present keys: enter it again."
    end = f" Replaced; valid until {until:%Y-%m-%d %H:%M} UTC." if until else ""
    return f"Set {set_at:%Y-%m-%d %H:%M} UTC, fingerprint {fingerprint}.{end}"
