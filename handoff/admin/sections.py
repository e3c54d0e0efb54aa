"""What stands where on the Configurations page."""

from typing import Any

from handoff.admin.conditions import AGENT_CHAT, CONDITIONS, expression

SECTIONS: dict[str, list[str]] = {
    "Configurations": [
        "name",
        "slug",
        "chat_system",
        "host_url",
        "stored_host",
        "confirm_host",
        "authorization_type",
        "user_name",
        "password",
        "client_id",
        "client_secret",
        "refresh_token",
        "authorize",
        "queue_id",
        "callback_url",
        "redirect_url",
        "enabled",
    ],
    "Agent Chat": [
        "start_strategy",
        "app_inbound_id",
        "message_auth",
        "message_secret",
        "queue_mode",
        "queue_variable",
        "answer_seconds",
        "relay_virtual_agent",
        "relay_survey",
    ],
    "What Agent Chat's texts mean": [
        "phrases_accepted",
        "phrases_closed",
        "phrases_timed_out",
        "phrases_no_agent",
    ],
    "Webhook to the bot": ["webhook_url", "webhook_secret"],
    "Callback from ServiceNow": [
        "callback_authentication",
        "callback_secret",
        "accept_existing_rules",
    ],
    "API keys": ["api_keys"],
    "Files": ["max_attachments", "max_attachment_megabytes", "attachment_types"],
    "Texts": [
        "text_queued",
        "text_wait_time",
        "text_accepted",
        "text_transferred",
        "text_idle_warning",
        "text_ended",
        "text_failed",
        "other_texts",
    ],
    "Course of a handoff": [
        "wait_minutes",
        "idle_minutes",
        "without_agent",
        "assignment_group",
        "handoffs_per_hour",
        "send_transcript",
    ],
    "Owner": ["owner_group"],
}
ABOUT: dict[str, dict[str, Any]] = {
    "Texts": {
        "classes": ["collapse"],
        "description": "What the bot is given to say at each stage. A blank one says "
        "nothing.",
    },
    "What Agent Chat's texts mean": {
        "classes": ["collapse"],
        "description": "ServiceNow says some things in words alone, which its "
        "administrators may change and translate. A text means what stands here if it "
        "has one of these parts in it, in upper or lower case: one part a line.",
    },
}
# These exist from the first save on.
LATER = {"callback_url", "callback_secret", "webhook_secret", "api_keys"}

HOST_CHANGES = "stored_host && host_url !== null && !host_url.startsWith(stored_host)"
FIELD_CONDITIONS = {
    "confirm_host": HOST_CHANGES,
    **{name: expression(condition) for name, condition in CONDITIONS.items()},
}
SECTION_CONDITIONS = {
    name: expression(AGENT_CHAT)
    for name in ("Agent Chat", "What Agent Chat's texts mean")
}


def sections(*, new: bool) -> list[tuple[str, dict[str, Any]]]:
    """Return the fieldsets of a bot's page; a new bot has no secrets and keys yet."""
    hidden = LATER if new else set()
    shown = {
        title: [name for name in names if name not in hidden]
        for title, names in SECTIONS.items()
    }
    return [
        (title, {"fields": names, **ABOUT.get(title, {})})
        for title, names in shown.items()
        if names
    ]
