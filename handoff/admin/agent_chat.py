"""What the Configurations page holds for Agent Chat alone."""

from datetime import timedelta
from typing import Any

from django import forms
from django.core.validators import RegexValidator

from handoff.admin import fields
from handoff.admin.conditions import BY_HASH, BY_TOKEN, told_with
from handoff.chat_systems.values import SYS_ID
from handoff.models import AgentChatConfiguration
from handoff.models.agent_chat import MessageAuth, QueueMode, StartStrategy

# Form field → what the text means.
PHRASES = {
    "phrases_accepted": "accepted",
    "phrases_closed": "closed",
    "phrases_timed_out": "timed_out",
    "phrases_no_agent": "no_agent",
}
# Form fields that are columns by the same name.
COLUMNS = (
    "start_strategy",
    "app_inbound_id",
    "message_auth",
    "queue_mode",
    "queue_variable",
    "relay_virtual_agent",
    "relay_survey",
)


class AgentChatFields(forms.Form):
    start_strategy = fields.choice(
        "Start of a conversation",
        StartStrategy,
        help_text="The first way needs version 4.0 of the app Virtual Agent API; where "
        "the app is older, the second is taken by itself.",
    )
    app_inbound_id = fields.text(
        "Inbound Id",
        max_length=100,
        help_text="Blank, unless the instance has provider applications besides the VA "
        "Bot to Bot Provider Application: then the Inbound Id of this bot's record in "
        "sys_cs_provider_application.",
    )
    message_auth = fields.choice(
        "Message authentication",
        MessageAuth,
        help_text="As the field Message auth of the provider application says. Only "
        "with it ServiceNow finds the user by e-mail address, and shows the agent more "
        "than a guest.",
    )
    message_secret = fields.secret(
        "Message authentication secret",
        strip=False,
        help_text=told_with(BY_TOKEN, "The token in the record of token_verification.")
        + told_with(BY_HASH, "The secret in the record of hash_message_verification."),
    )
    queue_mode = fields.choice(
        "Choice of the queue",
        QueueMode,
        help_text="The AWA Routing API needs the first way of starting, the sys_id of "
        "a queue as Queue ID, and the role awa_integration_user.",
    )
    queue_variable = fields.text(
        "Context variable",
        required=True,
        max_length=80,
        validators=[
            RegexValidator(
                r"\A[A-Za-z_][0-9A-Za-z_]*\Z",
                "A name of letters, digits and _ that begins with no digit.",
            )
        ],
        help_text="Carries the Queue ID. Define it in Conversational Interfaces → "
        "Settings → Context variables, there without liveagent_, and give each chat "
        "queue a work item routing condition on it: a queue without one takes every "
        "handoff.",
    )
    answer_seconds = fields.number(
        "Longest wait for ServiceNow's answer",
        lowest=10,
        highest=600,
        help_text="In seconds. ServiceNow answers before it looks at what it was sent; "
        "the handoff fails if nothing that decides it follows by then.",
    )
    relay_virtual_agent = fields.switch(
        "Relay the virtual agent",
        help_text="What ServiceNow's own bot says before and after the agent goes to "
        "the user as well.",
    )
    relay_survey = fields.switch(
        "Relay the survey",
        help_text="The questions that ServiceNow asks after the agent has gone go to "
        "the user, and the handoff ends after them.",
    )
    phrases_accepted = fields.LinesField("An agent has come", longest=200)
    phrases_closed = fields.LinesField("Closed", longest=200)
    phrases_timed_out = fields.LinesField("Timed out", longest=200)
    phrases_no_agent = fields.LinesField("No agent", longest=200, rows=5)

    def check_agent_chat(self, *, has_secret: bool) -> None:
        """Add an error where the fields contradict each other."""
        chosen = self.cleaned_data.get
        needs_secret = chosen("message_auth") in (MessageAuth.TOKEN, MessageAuth.HASH)
        if needs_secret and not (has_secret or chosen("message_secret")):
            self.add_error("message_secret", "Message authentication needs it.")
        if chosen("queue_mode") != QueueMode.AWA:
            return
        if chosen("start_strategy") != StartStrategy.CREATE:
            self.add_error(
                "start_strategy",
                "The AWA Routing API routes an interaction, and only a conversation "
                "that is created first has one that we know.",
            )
        if not SYS_ID.fullmatch(chosen("queue_id", "")):
            self.add_error(
                "queue_id",
                "The AWA Routing API takes the sys_id of a queue: 32 characters, 0-9 "
                "and a-f. In ServiceNow, right-click the queue in Advanced Work "
                "Assignment → Queues and choose Copy sys_id.",
            )


def initial(stored: AgentChatConfiguration) -> dict[str, Any]:
    """Return what the fields show of a configuration."""
    return {
        **{column: getattr(stored, column) for column in COLUMNS},
        "answer_seconds": stored.answer_timeout // timedelta(seconds=1),
        **{name: stored.phrases.get(kind, []) for name, kind in PHRASES.items()},
    }


def changes(cleaned: dict[str, Any]) -> dict[str, Any]:
    """Return the columns that hold what the fields were given, but the secret."""
    return {
        **{column: cleaned[column] for column in COLUMNS},
        "answer_timeout": timedelta(seconds=cleaned["answer_seconds"]),
        "phrases": {kind: cleaned[name] for name, kind in PHRASES.items()},
    }
