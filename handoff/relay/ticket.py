"""The incident of a handoff that no agent took: one item, exactly one record there.

Its correlation_id is the handoff's id, so whether it is there can be asked for by name.
"""

from collections.abc import Iterator
from textwrap import shorten

from django.db import transaction
from django.db.models.functions import Now

from handoff import files, incidents, lifecycle, opening
from handoff.incidents import Created, Incident
from handoff.models import Handoff, Outgoing
from handoff.models.message import Role
from handoff.opening import TranscriptEntry
from handoff.relay import read_back
from handoff.relay.routes import NotShown, StillUnknown, nothing_sent
from servicenow_auth.client import Instance
from servicenow_auth.exceptions import Ambiguous, NotSent, Rejected

BATCH = 200
# Of these one at least is shown to whoever may read what he created.
KNOWN_ONES = 5
TOO_LONG = "(The beginning is left out: it is too long for this field.)"
FOLLOWS = "No incident so far: it follows when ServiceNow takes it."


def create(handoff: Handoff, instance: Instance, *, send_before: float) -> Created:
    with nothing_sent():
        incident = _incident(handoff)
    # A database that was restored from a backup may have forgotten it.
    there_already = _shown(handoff, instance)
    return there_already or incidents.create(
        instance, incident, send_before=send_before
    )


def _shown(handoff: Handoff, instance: Instance) -> Created | None:
    """Return the handoff's incident; None also where none may be read."""
    try:
        shown = incidents.find(instance, correlation_id=str(handoff.pk), others=())
    except Rejected:
        return None
    except Ambiguous as exc:
        raise NotSent(f"Not created before it is asked for: {exc.detail}") from exc
    return next((one for one in shown if one.correlation_id == str(handoff.pk)), None)


def found(item: Outgoing, *, handoff: Handoff, instance: Instance) -> Created:
    """Return an incident that was created; else NotThere or StillUnknown.

    That it is not shown proves something only beside another one that is.
    """
    known = _known(handoff)
    shown = incidents.find(instance, correlation_id=str(handoff.pk), others=known)
    same = [one for one in shown if one.correlation_id == str(handoff.pk)]
    if same:
        read_back.note_duplicates(item, [one.sys_id for one in same[1:]])
        return same[0]
    if not known:
        raise StillUnknown(
            "It is not known whether the incident was created: there is no other one"
            " yet by which to tell that ServiceNow would show it to us."
        )
    if not any(one.sys_id in known for one in shown):
        raise NotShown(
            "It is not known whether the incident was created: ServiceNow shows us none"
            " of those that we created. The integration user must be able to read them."
        )
    raise read_back.missing(item)


def _known(handoff: Handoff) -> list[str]:
    """Return the newest incidents that we created on this instance."""
    others = Handoff.objects.filter(bot=handoff.bot_id, ticket__isnull=False)
    here = handoff.bot.connection.host_url
    tickets = others.order_by("-created_at").values_list("ticket", flat=True)
    return [
        ticket["sys_id"]
        for ticket in tickets[:KNOWN_ONES]
        if ticket and ticket["url"].startswith(f"{here}/")
    ]


def created(handoff: Handoff, item: Outgoing, incident: Created) -> None:
    """Keep where it is, and tell the bot."""
    item.sys_id = incident.sys_id
    item.save(update_fields=["sys_id"])
    address = incidents.address(handoff.bot.connection.host_url, incident.sys_id)
    handoff.ticket = {
        "number": incident.number,
        "sys_id": incident.sys_id,
        "url": address,
    }
    handoff.save(update_fields=["ticket"])
    lifecycle.announce(handoff)


def tell_overdue() -> None:
    """Send the final events that have waited for an incident long enough."""
    overdue = Handoff.objects.filter(final_due_at__lte=Now())
    for handoff_id in overdue.values_list("pk", flat=True)[:BATCH]:
        with transaction.atomic():
            lifecycle.announce(lifecycle.lock(handoff_id), detail=FOLLOWS)


# --- What it says --------------------------------------------------------------------


def _incident(handoff: Handoff) -> Incident:
    question = handoff.messages.filter(before_handoff=False).earliest("number").text
    return Incident(
        correlation_id=str(handoff.pk),
        summary=shorten(
            f"Chat without an agent: {question}",
            width=incidents.LONGEST_SUMMARY,
            placeholder="…",
        ),
        description=_description(handoff),
        assignment_group=handoff.bot.assignment_group,
    )


def _description(handoff: Handoff) -> str:
    """Return who asked, and what was said as far as there is room: its end counts."""
    head = [
        f"{handoff.get_reason_display()}.",
        *opening.sender(user=handoff.user, channel=handoff.channel),
        f"Conversation: {handoff.conversation_id}",
        "",
        "",
    ]
    about, said = "\n".join(head), opening.transcript(_said(handoff))
    room = incidents.LONGEST_DESCRIPTION - len(about)
    if len(said) > room:
        tail = said[len(said) - room + len(TOO_LONG) + 1 :]
        whole_lines = tail.partition("\n")[2]
        said = "\n".join([TOO_LONG, whole_lines or tail])
    return about + said


def _said(handoff: Handoff) -> Iterator[TranscriptEntry]:
    for message in handoff.messages.order_by("number").prefetch_related("attachments"):
        labels = [files.label(file.file_name) for file in message.files]
        text = "\n".join(filter(None, [message.text, *labels]))
        yield TranscriptEntry(role=Role(message.role), text=text)
