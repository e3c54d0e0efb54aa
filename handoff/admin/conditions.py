"""Which fields of the Configurations page stand there for which choice.

The page hides by it and the form cleans by it: a field that is hidden is as good as not
there, and what is stored in it stays.
"""

from collections.abc import Mapping, Sequence

from django.utils.html import format_html
from django.utils.safestring import SafeString

from handoff.models.agent_chat import MessageAuth, QueueMode
from handoff.models.bot import ChatSystem, WithoutAgent
from servicenow_auth.models import AuthorizationType

# Name of a select → its values with which a field is shown.
Condition = Mapping[str, Sequence[str]]

CONNECT_SUPPORT: Condition = {"chat_system": [ChatSystem.CONNECT_SUPPORT]}
AGENT_CHAT: Condition = {"chat_system": [ChatSystem.AGENT_CHAT]}
BASIC: Condition = {"authorization_type": [AuthorizationType.BASIC]}
OAUTH: Condition = {"authorization_type": [AuthorizationType.OAUTH]}

WITH_INCIDENT: Condition = {"without_agent": [WithoutAgent.INCIDENT]}

BY_TOKEN: Condition = {**AGENT_CHAT, "message_auth": [MessageAuth.TOKEN]}
BY_HASH: Condition = {**AGENT_CHAT, "message_auth": [MessageAuth.HASH]}
BY_VARIABLE: Condition = {**AGENT_CHAT, "queue_mode": [QueueMode.CONTEXT]}
BY_ROUTING_API: Condition = {**AGENT_CHAT, "queue_mode": [QueueMode.AWA]}

CONDITIONS: dict[str, Condition] = {
    "user_name": BASIC,
    "password": BASIC,
    "client_id": OAUTH,
    "client_secret": OAUTH,
    "refresh_token": OAUTH,
    "authorize": OAUTH,
    "accept_existing_rules": CONNECT_SUPPORT,
    "start_strategy": AGENT_CHAT,
    "app_inbound_id": AGENT_CHAT,
    "message_auth": AGENT_CHAT,
    "message_secret": {
        **AGENT_CHAT,
        "message_auth": [MessageAuth.TOKEN, MessageAuth.HASH],
    },
    "queue_mode": AGENT_CHAT,
    "queue_variable": BY_VARIABLE,
    "answer_seconds": AGENT_CHAT,
    "relay_virtual_agent": AGENT_CHAT,
    "relay_survey": AGENT_CHAT,
    "assignment_group": WITH_INCIDENT,
    "phrases_accepted": AGENT_CHAT,
    "phrases_closed": AGENT_CHAT,
    "phrases_timed_out": AGENT_CHAT,
    "phrases_no_agent": AGENT_CHAT,
}


def expression(condition: Condition) -> str:
    """Return the condition in JavaScript, for the page."""
    alternatives = (
        " || ".join(f"{select} === '{value}'" for value in values)
        for select, values in condition.items()
    )
    return " && ".join(
        f"({either})" if " || " in either else either for either in alternatives
    )


def told_with(condition: Condition, text: str) -> SafeString:
    """Return a part of a help text that is there only with what it is about."""
    return format_html('<span x-show="{}">{}</span> ', expression(condition), text)


def hidden(chosen: Mapping[str, str | None]) -> set[str]:
    """Return the fields that are not there where this is chosen, select by select."""
    return {
        name
        for name, condition in CONDITIONS.items()
        if any(chosen.get(select) not in shown for select, shown in condition.items())
    }
