"""How long is waited and how often, and what follows when nobody comes."""

from django import forms
from django.core.exceptions import ValidationError

from handoff.admin import fields
from handoff.chat_systems.values import SYS_ID
from handoff.models.bot import WithoutAgent


class WaitingFields(forms.Form):
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
    handoffs_per_hour = fields.number(
        "Handoffs per conversation and hour",
        lowest=1,
        highest=1_000,
        initial=5,
        help_text="One more is refused with handoff_loop: bot and agents may be "
        "sending a user to and fro.",
    )
    without_agent = fields.choice(
        "When no agent comes",
        WithoutAgent,
        help_text="When none is available, nobody accepted in time, or the queue is "
        "closed, the bot goes on alone; or an incident with the transcript is created, "
        "and the bot is told its number. For that the integration user needs the role "
        "sn_incident_write.",
    )
    assignment_group = fields.text(
        "Assignment group of the incident",
        max_length=32,
        help_text="The group's sys_id. Blank: ServiceNow's own rules assign it.",
    )

    def clean_assignment_group(self) -> str:
        typed: str = self.cleaned_data["assignment_group"].lower()
        if typed and not SYS_ID.fullmatch(typed):
            raise ValidationError(
                "A sys_id has 32 characters, 0-9 and a-f. In ServiceNow, right-click "
                "the group and choose Copy sys_id."
            )
        return typed
