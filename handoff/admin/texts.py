"""The texts for each stage of a handoff, as a form shows them and a bot stores them.

Stored: event type → language → text. Shown: one field a stage for the language
`default`, which serves where a language has no text of its own, and the rest as JSON.
"""

import json
from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from unfold.widgets import UnfoldAdminTextareaWidget

from handoff import strict_json
from handoff.admin import fields
from handoff.exceptions import MalformedBody

Texts = dict[str, dict[str, str]]

DEFAULT = "default"
LONGEST = 2_000
# Form field → event type.
STAGES = {
    "text_queued": "handoff.queued",
    "text_wait_time": "handoff.wait_time.updated",
    "text_accepted": "handoff.accepted",
    "text_transferred": "handoff.transferred",
    "text_idle_warning": "handoff.idle_warning",
    "text_ended": "handoff.ended",
    "text_failed": "handoff.failed",
}
# What a new bot starts with; a stage without a text says nothing.
FIRST_TEXTS = {
    "text_queued": "One moment please, I am looking for a colleague.",
    "text_accepted": "You are now talking to a colleague.",
    "text_transferred": "A colleague is taking over.",
    "text_ended": "The conversation with our colleague has ended.",
    "text_failed": "Sorry, none of our colleagues can take over now.",
}


class TextFields(forms.Form):
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

    def clean_other_texts(self) -> Any:
        others = self.cleaned_data["other_texts"]
        if others is None:
            return {}
        check(others)
        return others

    def stage_texts(self) -> Texts:
        return join(self.cleaned_data)


def split(texts: Texts) -> dict[str, Any]:
    """Return the form's initial values: one for each field, and the rest."""
    initial: dict[str, Any] = {
        field: texts.get(stage, {}).get(DEFAULT, "") for field, stage in STAGES.items()
    }
    rest = {
        stage: {key: text for key, text in by_language.items() if key != DEFAULT}
        for stage, by_language in texts.items()
    }
    initial["other_texts"] = {stage: others for stage, others in rest.items() if others}
    return initial


def join(cleaned: dict[str, Any]) -> Texts:
    """Put the fields together again, as they are stored."""
    texts: Texts = {
        stage: dict(others) for stage, others in cleaned["other_texts"].items()
    }
    for field, stage in STAGES.items():
        if cleaned[field]:
            texts.setdefault(stage, {})[DEFAULT] = cleaned[field]
    return texts


def check(texts: object) -> None:
    """Raise ValidationError unless this is stage → language → text."""
    if not isinstance(texts, dict):
        raise ValidationError(
            'Write it like {"handoff.queued": {"de": "Einen Moment bitte."}}.'
        )
    for stage, by_language in texts.items():
        if stage not in STAGES.values():
            known = ", ".join(STAGES.values())
            raise ValidationError(f"There is no stage “{stage}”, only {known}.")
        if not isinstance(by_language, dict):
            raise ValidationError(f"{stage}: give each language its text.")
        for language, text in by_language.items():
            if not isinstance(text, str) or len(text) > LONGEST:
                raise ValidationError(
                    f"{stage}, {language}: a text of at most {LONGEST} characters."
                )
    try:
        strict_json.load_json(json.dumps(texts).encode())
    except MalformedBody as exc:
        raise ValidationError(str(exc)) from exc
