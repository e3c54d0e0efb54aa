"""Handing a chat from one agent straight to another."""

from django.db import transaction

from handoff.sandbox.instance import store, support
from handoff.sandbox.instance.models import Row
from handoff.sandbox.instance.support import NotPossible, State

PENDING = "pending"
_DONE = {"accept": "accepted", "reject": "rejected", "cancel": "cancelled"}


@transaction.atomic
def offer(*, entry: Row, agent: Row, to: Row) -> Row:
    entry.refresh_from_db()
    support.check_assigned(agent, entry=entry)
    if entry.value("state") != State.IN_PROGRESS:
        raise NotPossible("Only a chat in progress can be transferred")
    values = {
        "transfer_state": PENDING,
        "transfer_to": to.sys_id,
        "transfer_from": agent.sys_id,
    }
    return store.update(entry, values=values, by=agent.value("user_name"))


@transaction.atomic
def settle(*, entry: Row, agent: Row, answer: str) -> Row:
    """Accept, reject, cancel or complete an offer.

    Clients call `complete` after a reject or cancel; it clears what the offer left.
    """
    entry.refresh_from_db()
    values = dict.fromkeys(("transfer_state", "transfer_to", "transfer_from"), "")
    if answer != "complete":
        _check_party(agent, entry=entry, answer=answer)
        values = {"transfer_state": _DONE[answer]}
    if answer == "accept":
        support.join(group=entry.value("group"), user=agent)
        values["assigned_to"] = agent.sys_id
    return store.update(entry, values=values, by=agent.value("user_name"))


def _check_party(agent: Row, *, entry: Row, answer: str) -> None:
    party = "transfer_from" if answer == "cancel" else "transfer_to"
    pending = entry.value("transfer_state") == PENDING
    if not pending or entry.value(party) != agent.sys_id:
        raise NotPossible("No such transfer is pending for you")
