"""Form fields that a model form does not make by itself, in the look of the admin."""

from datetime import datetime
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.db.models import TextChoices
from django.forms.fields import InvalidJSONInput
from unfold.widgets import (
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminPasswordWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
    UnfoldBooleanSwitchWidget,
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


class LinesField(forms.Field):
    """A list of short texts, typed one a line; blank lines and repeats are dropped."""

    MOST = 50

    def __init__(
        self, label: str, *, longest: int, rows: int = 3, help_text: str = ""
    ) -> None:
        self.longest = longest
        widget = UnfoldAdminTextareaWidget({"rows": rows, "spellcheck": "false"})
        super().__init__(
            label=label, required=False, help_text=help_text, widget=widget
        )

    def prepare_value(self, value: Any) -> str:
        return value if isinstance(value, str) else "\n".join(value or [])

    def to_python(self, value: Any) -> list[str]:
        lines = value.splitlines() if isinstance(value, str) else value or []
        return [line for line in dict.fromkeys(map(str.strip, lines)) if line]

    def validate(self, value: list[str]) -> None:
        super().validate(value)
        if len(value) > self.MOST:
            raise ValidationError(f"At most {self.MOST} lines.")
        for line in value:
            if len(line) > self.longest:
                raise ValidationError(f"“{line[:40]}…”: at most {self.longest}.")
            if "\0" in line:
                raise ValidationError("Null characters are not allowed.")

    def has_changed(self, initial: Any, data: Any) -> bool:
        return not self.disabled and self.to_python(initial) != self.to_python(data)


def text(label: str, **options: Any) -> forms.CharField:
    # Browsers keep what is typed here out of their memory: these are other systems'
    # names and addresses.
    widget = UnfoldAdminTextInputWidget({"autocomplete": "off"})
    options = {"required": False, "max_length": 255, "widget": widget, **options}
    return forms.CharField(label=label, **options)


def secret(label: str, *, strip: bool = True, help_text: str = "") -> forms.CharField:
    """Return a field that is written and never shown; blank keeps what is stored."""
    widget = UnfoldAdminPasswordWidget({"autocomplete": "new-password"})
    return forms.CharField(
        label=label,
        required=False,
        strip=strip,
        max_length=4_000,
        help_text=help_text,
        widget=widget,
    )


def number(
    label: str, *, lowest: int, highest: int, **options: Any
) -> forms.IntegerField:
    return forms.IntegerField(
        label=label,
        min_value=lowest,
        max_value=highest,
        widget=UnfoldAdminIntegerFieldWidget(),
        **options,
    )


def minutes(label: str, **options: Any) -> forms.IntegerField:
    """Return a field for a time of one minute to one day."""
    return number(label, lowest=1, highest=1_440, **options)


def choice(
    label: str, choices: type[TextChoices], *, help_text: str = ""
) -> forms.ChoiceField:
    return forms.ChoiceField(
        label=label,
        choices=choices.choices,
        help_text=help_text,
        widget=UnfoldAdminSelectWidget(),
    )


def switch(label: str, *, help_text: str) -> forms.BooleanField:
    widget = UnfoldBooleanSwitchWidget()
    return forms.BooleanField(
        label=label, required=False, help_text=help_text, widget=widget
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
