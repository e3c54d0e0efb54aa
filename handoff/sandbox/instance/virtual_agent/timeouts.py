"""What happens when nobody does anything; each of it only while its switch is on."""

from django.db import transaction

from handoff.sandbox.instance import store, switches
from handoff.sandbox.instance.models import Row
from handoff.sandbox.instance.virtual_agent import conversation, parts, posts, routing
from handoff.sandbox.instance.virtual_agent.conversation import QUEUED, Role, Stage
from handoff.sandbox.instance.virtual_agent.parts import Said

REMINDER = "The conversation is timing out, are you still there?"
CLOSED = "The support session was closed."


def look() -> None:
    """Find what has waited too long: for an agent, or for the requester to write."""
    longest_wait = switches.read("va_max_wait_seconds")
    if longest_wait:
        for item in store.find("awa_work_item", state=QUEUED):
            if _seconds_since(item.created_ms) >= longest_wait:
                _end_wait(item)
    remind, cancel = (
        switches.read(f"va_idle_{what}_seconds") for what in ("reminder", "cancel")
    )
    if remind or cancel:
        for interaction in store.find("interaction", stage=Stage.ACTIVE):
            _look_at(interaction, remind=remind, cancel=cancel)


@transaction.atomic
def _end_wait(item: Row) -> None:
    item.refresh_from_db()
    interaction = store.dereference(item, column="document_id")
    if interaction is None or item.value("state") != QUEUED:
        return
    text = store.read(item, path="queue.max_wait_time_message") or routing.NO_AGENTS
    posts.post(interaction, routing.no_agents(interaction, before=[], text=text))


@transaction.atomic
def _look_at(interaction: Row, *, remind: int, cancel: int) -> None:
    interaction.refresh_from_db()
    if conversation.stage(interaction) != Stage.ACTIVE:
        return
    idle = _seconds_since(int(interaction.value("heard_ms")))
    if cancel and idle >= cancel:
        _close(interaction)
    elif remind and idle >= remind and interaction.value("idle_reminded") != "true":
        conversation.move(interaction, idle_reminded=True)
        _say(interaction, REMINDER)


def _close(interaction: Row) -> None:
    _say(interaction, CLOSED)
    conversation.end(interaction, state="closed_complete", reason="No User Response")
    back = parts.action("SwitchToVirtualAgent")
    posts.post(interaction, Said(parts=[back], completed=True))


def _say(interaction: Row, text: str) -> None:
    conversation.add_line(interaction, role=Role.SYSTEM, text=text)
    posts.post(interaction, Said(parts=[parts.system(text)], agent_chat=True))


def _seconds_since(moment_ms: int) -> float:
    return (conversation.now_ms() - moment_ms) / 1000
