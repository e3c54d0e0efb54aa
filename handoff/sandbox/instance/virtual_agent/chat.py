"""What an agent does in an Agent Chat; each function is one transaction."""

from django.db import transaction
from django.db.models import QuerySet

from handoff.sandbox.instance import store, switches, users
from handoff.sandbox.instance.models import Row
from handoff.sandbox.instance.support import NobodyWaits, NotPossible
from handoff.sandbox.instance.virtual_agent import conversation, parts, posts, routing
from handoff.sandbox.instance.virtual_agent.conversation import (
    ACCEPTED,
    QUEUED,
    Role,
    Stage,
)
from handoff.sandbox.instance.virtual_agent.parts import Part, Said

GOODBYE = "Thank you for contacting us. Goodbye."
SURVEY = "How satisfied were you?"
SURVEY_OPTIONS = [("Very satisfied", "3"), ("Satisfied", "2"), ("Not satisfied", "1")]


def waiting(agent: Row) -> list[Row]:
    """Return the interactions that are offered to this agent, oldest first."""
    items = store.find("awa_work_item", state=QUEUED)
    return _interactions(
        [item for item in items if routing.is_offered_to(agent, item=item)]
    )


def mine(agent: Row) -> list[Row]:
    """Return the interactions that this agent has yet to close, oldest first."""
    items = store.find("awa_work_item", state=ACCEPTED, assigned_to=agent.sys_id)
    return _interactions(items)


def may_see(agent: Row, *, interaction: Row) -> bool:
    """Tell whether it is, was or may become this agent's."""
    items = store.find("awa_work_item", document_id=interaction.sys_id)
    queues = [store.dereference(item, column="queue") for item in items]
    return any(queue and routing.works_on(agent, queue=queue) for queue in queues)


def lines(interaction: Row) -> QuerySet[Row]:
    """Ask for what was said, oldest first, each with its `role`."""
    return conversation.lines(interaction)


def requester_is_typing(interaction: Row) -> bool:
    return interaction.value("requester_is_typing") == "true"


@transaction.atomic
def accept(*, interaction: Row, agent: Row) -> Row:
    item = _offered(interaction, agent=agent)
    values = {"state": ACCEPTED, "assigned_to": agent.sys_id}
    store.update(item, values=values, by=agent.value("user_name"))
    conversation.move(
        interaction,
        stage=Stage.ACTIVE,
        state="work_in_progress",
        assigned_to=agent.sys_id,
        heard_ms=conversation.now_ms(),
    )
    arrival = [
        parts.action("EndSpinner", spinnerType="wait_time"),
        parts.action("SwitchToLiveAgent"),
    ]
    entered = f"{store.name_of(agent)} has entered the chat."
    _say_as_system(interaction, entered, before=arrival)
    greeting = store.read(interaction, path="queue.initial_agent_response")
    if greeting:
        _say(interaction, agent=agent, text=greeting)
    return interaction


@transaction.atomic
def reject(*, interaction: Row, agent: Row) -> Row:
    """Turn it down: others are offered it, and without others nobody is there."""
    item = _offered(interaction, agent=agent)
    values = {"work_item": item.sys_id, "rejected_by": agent.sys_id}
    by = agent.value("user_name")
    store.insert(table="awa_work_item_rejection", values=values, by=by)
    if not routing.anybody_left(item):
        posts.post(interaction, routing.no_agents(interaction, before=[]))
    return interaction


@transaction.atomic
def say(*, interaction: Row, agent: Row, text: str) -> Row:
    """Send a text; the line is returned."""
    _check_assigned(interaction, agent=agent)
    return _say(interaction, agent=agent, text=text)


@transaction.atomic
def send_file(*, interaction: Row, agent: Row, attachment: Row) -> Row:
    """Send a stored file; the line is returned."""
    _check_assigned(interaction, agent=agent)
    line = conversation.add_line(
        interaction,
        role=Role.AGENT,
        author=store.name_of(agent),
        text="",
        attachment=attachment,
    )
    _post_from(agent, interaction, part=parts.attachment(attachment), line=line)
    return line


@transaction.atomic
def set_typing(*, interaction: Row, agent: Row, typing: bool) -> None:
    _check_assigned(interaction, agent=agent)
    kind = "StartTypingIndicator" if typing else "EndTypingIndicator"
    posts.post(interaction, Said(parts=[parts.action(kind)], agent_chat=True))


@transaction.atomic
def transfer(*, interaction: Row, agent: Row, queue: Row) -> Row:
    """Put it in another queue, where an agent accepts it anew."""
    _check_assigned(interaction, agent=agent)
    said = routing.put_in_line(interaction, queue=queue, before=[])
    posts.post(interaction, said)
    return interaction


@transaction.atomic
def close(*, interaction: Row, agent: Row) -> Row:
    """End it from the agent's side: the virtual agent has the requester again."""
    _check_assigned(interaction, agent=agent)
    _say_as_system(
        interaction, f"{store.name_of(agent)} has closed the support session."
    )
    back = parts.action("SwitchToVirtualAgent")
    conversation.end(interaction, state="closed_complete", reason="Agent Ended")
    if switches.read("va_survey"):
        conversation.move(interaction, stage=Stage.SURVEY)
        question = parts.picker(SURVEY, options=SURVEY_OPTIONS)
        posts.post(interaction, Said(parts=[back, question], score=1))
    else:
        goodbye = parts.text(GOODBYE)
        posts.post(interaction, Said(parts=[back, goodbye], completed=True, score=1))
    return interaction


def _offered(interaction: Row, *, agent: Row) -> Row:
    interaction.refresh_from_db()
    item = routing.waiting_item(interaction)
    if item is None:
        raise NobodyWaits("This chat does not wait for an agent any more")
    if not routing.is_offered_to(agent, item=item):
        raise NotPossible("This chat is not offered to you")
    return item


def _check_assigned(interaction: Row, *, agent: Row) -> None:
    interaction.refresh_from_db()
    if interaction.value("stage") != Stage.ACTIVE:
        raise NotPossible("This support session is closed")
    if agent.sys_id != interaction.value("assigned_to") and not users.is_admin(agent):
        raise NotPossible("This chat is not assigned to you")


def _say(interaction: Row, *, agent: Row, text: str) -> Row:
    line = conversation.add_line(
        interaction, role=Role.AGENT, author=store.name_of(agent), text=text
    )
    _post_from(agent, interaction, part=parts.text(text), line=line)
    return line


def _say_as_system(
    interaction: Row, text: str, *, before: list[Part] | None = None
) -> None:
    conversation.add_line(interaction, role=Role.SYSTEM, text=text)
    spoken = [*(before or []), parts.system(text)]
    posts.post(interaction, Said(parts=spoken, agent_chat=True))


def _post_from(agent: Row, interaction: Row, *, part: Part, line: Row) -> None:
    signed = parts.from_agent(part, agent=agent, line=line)
    posts.post(interaction, Said(parts=[signed], agent_chat=True))


def _interactions(items: list[Row]) -> list[Row]:
    found = [store.dereference(item, column="document_id") for item in items]
    return [interaction for interaction in found if interaction]
