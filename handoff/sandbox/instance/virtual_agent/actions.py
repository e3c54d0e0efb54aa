"""What each `action` of a request does to a conversation, and what is said to it."""

from collections.abc import Callable, Mapping

from handoff.sandbox.instance import attachments, store, switches
from handoff.sandbox.instance.models import Row
from handoff.sandbox.instance.virtual_agent import conversation, parts, routing
from handoff.sandbox.instance.virtual_agent.conversation import Role, Stage
from handoff.sandbox.instance.virtual_agent.parts import Said
from handoff.sandbox.instance.virtual_agent.request import (
    Asked,
    objects_of,
    text_of,
)

Action = Callable[[Row, Asked], Said | None]

GREETING = "Hi, I'm your virtual agent."
TOPICS = [("Order hardware", "order_hardware"), ("Reset a password", "reset_password")]
FALLBACK = "I'm sorry, I didn't understand. Please say it in other words."
THANKS = "Thank you."
# Words that are actions, whoever types them.
CALLS_AN_AGENT = ("agent", "live agent", "live agent support.")
# After so many answers of this kind the bot takes over again.
MAX_FALLBACKS = 2
BEFORE_AGENTS = (Stage.CREATED, Stage.VIRTUAL_AGENT)


def create(interaction: Row, _asked: Asked) -> Said:
    return Said(parts=[parts.opened("CreateConversation", interaction=interaction)])


def start(interaction: Row, asked: Asked) -> Said | None:
    """Greet, or go straight to an agent; a conversation that runs is left alone."""
    if conversation.stage(interaction) not in BEFORE_AGENTS:
        return None
    started = parts.opened("StartConversation", interaction=interaction)
    _hear(interaction, asked)
    if conversation.context(interaction).get("live_agent_only") == "true":
        return routing.route(interaction, before=[started])
    conversation.move(interaction, stage=Stage.VIRTUAL_AGENT)
    greeting = [parts.text(GREETING), parts.topics("Choose a topic", options=TOPICS)]
    return Said(parts=[started, *greeting], score=1)


def agent(interaction: Row, asked: Asked) -> Said | None:
    stage = conversation.stage(interaction)
    if stage == Stage.CREATED and not switches.read("va_agent_starts"):
        return _fall_back(interaction)
    if stage not in BEFORE_AGENTS:
        return None
    _hear(interaction, asked)
    return routing.route(interaction, before=[])


def message(interaction: Row, asked: Asked) -> Said | None:
    """Take a message to whomever the requester talks to."""
    stage = conversation.stage(interaction)
    if stage == Stage.QUEUED and switches.read("va_ignores_early_messages"):
        return None
    if stage in (Stage.QUEUED, Stage.ACTIVE):
        _hear(interaction, asked)
        return None
    if stage == Stage.SURVEY:
        conversation.end(interaction, state="closed_complete", reason="Agent Ended")
        return Said(parts=[parts.text(THANKS)], completed=True, score=1)
    if asked.text.strip().lower() in CALLS_AN_AGENT:
        return agent(interaction, asked)
    return _fall_back(interaction)


def end(interaction: Row, _asked: Asked) -> Said:
    """End it from the requester's side."""
    stage = conversation.stage(interaction)
    if stage != Stage.ACTIVE:
        state, reason = _END_STATES[stage]
        conversation.end(interaction, state=state, reason=reason)
        return Said(completed=True)
    closed = f"{conversation.requester_name(interaction)} has closed the support"
    text = f"{closed} session."
    conversation.add_line(interaction, role=Role.SYSTEM, text=text)
    conversation.end(interaction, state="closed_complete", reason="User Ended")
    back = parts.action("SwitchToVirtualAgent")
    return Said(parts=[parts.system(text), back], completed=True)


def fault(interaction: Row, _asked: Asked) -> Said:
    conversation.end(interaction, state="faulted", reason="Error")
    return Said(take_control=True, score=0)


def switch(interaction: Row, _asked: Asked) -> Said:
    """Fail to find the topic, which closes the conversation."""
    conversation.end(interaction, state="closed_complete", reason="Auto Closed")
    return Said(completed=True)


def add_history(interaction: Row, asked: Asked) -> None:
    for entry in asked.history:
        conversation.add_line(
            interaction,
            role=Role.HISTORY,
            text=text_of(entry, "value"),
            author=text_of(entry, "displayName"),
        )


def update_messages(interaction: Row, asked: Asked) -> None:
    """Note what became of agents' messages, where the channel says it is third-party's.

    Each is named by the sys_id of its `sys_cs_message`.
    """
    if not _is_third_party(interaction):
        return
    for item in objects_of(asked.body, "message"):
        line = store.get(table="sys_cs_message", sys_id=text_of(item, "id"))
        if line and line.value("interaction") == interaction.sys_id:
            told = {"status": text_of(item, "status"), "payload": text_of(item, "text")}
            values = {name: value for name, value in told.items() if value}
            store.update(line, values=values, by=store.SYSTEM)


def typing(interaction: Row, _asked: Asked) -> None:
    conversation.move(interaction, requester_is_typing=True)


def viewing(interaction: Row, _asked: Asked) -> None:
    conversation.move(interaction, requester_is_typing=False)


def do_nothing(_interaction: Row, _asked: Asked) -> None:
    """Take note of what this instance has no use for."""


ACTIONS: Mapping[str, Action] = {
    "": message,
    "START_CONVERSATION": start,
    "AGENT": agent,
    "END_CONVERSATION": end,
    "TYPING": typing,
    "VIEWING": viewing,
    "SWITCH": switch,
    "SET_USER_TIMEZONE": do_nothing,
}
SINCE_4: Mapping[str, Action] = {
    "CREATE_CONVERSATION": create,
    "START_CREATED_CONVERSATION": start,
    "FAULT_CONVERSATION": fault,
    "SEND_HISTORY": add_history,
    "UPDATE_MESSAGES": update_messages,
}
# These may be the first request of a conversation.
OPENING = ("", "CREATE_CONVERSATION", "START_CONVERSATION", "AGENT")
ROUTING = ("START_CONVERSATION", "START_CREATED_CONVERSATION", "AGENT")
_ABANDONED = ("closed_abandoned", "Left Before Engagement")
_END_STATES = {
    Stage.CREATED: _ABANDONED,
    Stage.QUEUED: _ABANDONED,
    Stage.VIRTUAL_AGENT: ("closed_complete", "User Ended"),
    Stage.SURVEY: ("closed_complete", "Agent Ended"),
}


def _hear(interaction: Row, asked: Asked) -> None:
    """Keep what the requester said, for the agent to read."""
    author = conversation.requester_name(interaction)
    conversation.move(
        interaction,
        heard_ms=conversation.now_ms(),
        idle_reminded=False,
        requester_is_typing=False,
        short_description=interaction.value("short_description") or asked.text[:60],
    )
    if asked.text:
        conversation.add_line(
            interaction, role=Role.REQUESTER, text=asked.text, author=author
        )
    for file in asked.files:
        attachment = attachments.store(
            table="interaction",
            record=interaction.sys_id,
            file_name=file.name,
            content_type=file.content_type,
            content=file.content,
            by=store.SYSTEM,
        )
        conversation.add_line(
            interaction,
            role=Role.REQUESTER,
            text="",
            author=author,
            attachment=attachment,
        )


def _fall_back(interaction: Row) -> Said:
    """Say that nothing was understood; the second time, leave it to the bot."""
    failures = int(interaction.value("failures")) + 1
    conversation.move(interaction, stage=Stage.VIRTUAL_AGENT, failures=failures)
    gives_up = failures >= MAX_FALLBACKS
    if gives_up:
        conversation.end(interaction, state="closed_complete", reason="Auto Closed")
    return Said(parts=[parts.text(FALLBACK)], take_control=gives_up, score=0)


def _is_third_party(interaction: Row) -> bool:
    found = store.first(
        "sys_cs_custom_adapter_property",
        provider_application=interaction.value("provider_application"),
        name="third_party_chat",
    )
    return found is not None and found.value("value") == "true"
