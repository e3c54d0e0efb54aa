"""Behaviour that differs between instances, or that nobody outside can know."""

from typing import Any

from handoff.sandbox.instance.models import Switch

DEFAULTS: dict[str, Any] = {
    "queues_open": True,
    # Whether messages of Connect name their attachments: not documented.
    "connect_shows_attachments": False,
    "rotate_refresh_tokens": False,
    # What a redirect_uri that is not registered leads to: error_page or first_url.
    "unregistered_redirect": "error_page",
    # Version of the Virtual Agent API's app, such as 3.14, 3.14.3, 4.0, 4.1.
    "va_app_version": "4.1",
    # Every call is refused with this status, such as 405; 0: none is.
    "va_refuses_with": 0,
    # What an action leads to that the version does not know: refuse or utterance.
    "va_unknown_action": "refuse",
    # Whether AGENT may be the first request, or gets the virtual agent's fallback.
    "va_agent_starts": True,
    # Whether an answer given in the HTTP response is posted as well.
    "va_sync_also_posts": False,
    # What tells open conversations of one application apart: user or session.
    "va_conversations_by": "user",
    # Messages between a start and an agent are lost.
    "va_ignores_early_messages": True,
    "va_agents_available": True,
    "va_agent_names": True,
    "va_survey": False,
    # 0: never. Over there the idle ones are 180 and 360.
    "va_max_wait_seconds": 0,
    "va_idle_reminder_seconds": 0,
    "va_idle_cancel_seconds": 0,
    # What happens to posts: in_order or shuffled; each of them twice.
    "va_order": "in_order",
    "va_duplicates": False,
    # Acknowledged with a 200, then nothing; or then a fault.
    "va_silent": False,
    "va_fail_late": False,
}


def read(name: str) -> Any:
    switch = Switch.objects.filter(name=name).first()
    return switch.value if switch else DEFAULTS[name]


def read_all() -> dict[str, Any]:
    return {name: read(name) for name in DEFAULTS}


def move(*, name: str, value: Any) -> None:
    Switch.objects.update_or_create(name=name, defaults={"value": value})
