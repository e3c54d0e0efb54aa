"""Which queue a conversation is put in, and which agents it is offered to."""

import re

from handoff.sandbox.instance import encoded_query, store, switches, users
from handoff.sandbox.instance.models import Row
from handoff.sandbox.instance.virtual_agent import conversation, parts
from handoff.sandbox.instance.virtual_agent.conversation import QUEUED, Stage
from handoff.sandbox.instance.virtual_agent.parts import Part, Said

NO_AGENTS = (
    "There are no agents available at the moment. Please try again during our"
    " support hours."
)
_CONTEXT = re.compile(r"\bContext\.(\w+)", re.IGNORECASE)


def route(interaction: Row, *, before: list[Part]) -> Said:
    """Put the conversation in a queue, or say that nobody is there."""
    available = switches.read("va_agents_available")
    queue = _queue_for(interaction) if available else None
    if queue is None:
        return no_agents(interaction, before=before)
    return put_in_line(interaction, queue=queue, before=before)


def put_in_line(interaction: Row, *, queue: Row, before: list[Part]) -> Said:
    item = waiting_item(interaction)
    if item is None or item.value("queue") != queue.sys_id:
        assign(interaction, queue=queue)
    conversation.move(interaction, stage=Stage.QUEUED)
    line = parts.waiting(queue, interaction=interaction)
    return Said(parts=before + line, agent_chat=True)


def assign(interaction: Row, *, queue: Row) -> None:
    """Make it work of this queue and of no other."""
    conversation.leave_queue(interaction)
    values = {"document_id": interaction.sys_id, "queue": queue.sys_id}
    store.insert(table="awa_work_item", values=values, by=store.SYSTEM)
    conversation.move(interaction, queue=queue.sys_id, assigned_to="")


def no_agents(interaction: Row, *, before: list[Part], text: str = NO_AGENTS) -> Said:
    """Give up looking for an agent; how this looks over there is not documented."""
    conversation.end(interaction, state="closed_abandoned", reason="No Activity")
    return Said(parts=[*before, parts.text(text)], completed=True, score=1)


def waiting_item(interaction: Row) -> Row | None:
    return store.first("awa_work_item", document_id=interaction.sys_id, state=QUEUED)


def is_offered_to(agent: Row, *, item: Row) -> bool:
    """Tell whether the item rings at the agent, who has not turned it down yet."""
    has_begun = store.read(item, path="document_id.stage") == Stage.QUEUED
    return has_begun and agent.sys_id in _candidates(item)


def anybody_left(item: Row) -> bool:
    return bool(_candidates(item))


def works_on(agent: Row, *, queue: Row) -> bool:
    return users.is_member(agent, group=queue.value("assignment_group"))


def _candidates(item: Row) -> set[str]:
    group = store.read(item, path="queue.assignment_group") or ""
    members = store.find("sys_user_grmember", group=group) if group else []
    rejections = store.find("awa_work_item_rejection", work_item=item.sys_id)
    return {member.value("user") for member in members} - {
        rejection.value("rejected_by") for rejection in rejections
    }


def _queue_for(interaction: Row) -> Row | None:
    """Return the queue that it was assigned to, else the first one that fits."""
    item = waiting_item(interaction)
    if item:
        return store.dereference(item, column="queue")
    context = conversation.context(interaction)
    queues = sorted(store.find("awa_queue", active="true"), key=_order)
    return next((queue for queue in queues if _fits(queue, context=context)), None)


def _fits(queue: Row, *, context: dict[str, str]) -> bool:
    """Read the condition, such as `Context.liveagent_queue_id=support`; none fits all.

    The names of context variables are stored in lower case.
    """
    condition = _CONTEXT.sub(
        lambda name: name[1].lower(), queue.value("routing_condition")
    )
    query = encoded_query.parse(condition, names={})
    return query.matches(lambda name: context.get(name, ""), changed=lambda _: False)


def _order(queue: Row) -> int:
    order = queue.value("order")
    return int(order) if order.isdecimal() else 0
