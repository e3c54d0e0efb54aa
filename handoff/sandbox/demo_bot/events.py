"""What the product's webhooks say, and what the chat makes of it."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from handoff.sandbox.demo_bot import chat, extras
from handoff.sandbox.demo_bot.models import (
    Delivery,
    Event,
    Handoff,
    Message,
    Role,
    State,
)

AN_AGENT = "an agent"
# Somebody whose page went away in the middle of a word has not said so.
TYPING_LASTS = timedelta(minutes=1)


class MalformedEvent(ValueError):
    """Signed, but not the shape of an event."""


@dataclass(frozen=True, kw_only=True)
class Told:
    """One event about a handoff of ours."""

    webhook_id: str
    type: str
    sequence: int
    state: str
    handoff: Handoff
    data: dict[str, Any]


@transaction.atomic
def receive(*, webhook_id: str, payload: object) -> None:
    """Store an event and apply it; a repeat, or one of a type unknown here, only rests.

    Kept in one transaction: a crash leaves neither, and the product sends it again.
    """
    envelope = _envelope(payload)
    handoff = _find(envelope.get("handoff"))
    event, is_new = Event.objects.get_or_create(
        webhook_id=webhook_id,
        defaults={
            "type": envelope["type"],
            "handoff": handoff,
            "sequence": envelope.get("sequence"),
            "payload": envelope,
        },
    )
    if is_new and handoff is not None:
        _apply(_told(event=event, handoff=handoff))


def _envelope(payload: object) -> dict[str, Any]:
    if not isinstance(payload, dict) or not isinstance(payload.get("type"), str):
        raise MalformedEvent("an event is an object with a type")
    if not isinstance(payload.get("sequence"), int | None):
        raise MalformedEvent("a sequence is a whole number")
    return payload


def _find(about: object) -> Handoff | None:
    """Find by the metadata that we sent along, else by the id that we were told."""
    if not isinstance(about, dict):
        return None
    metadata = about.get("metadata")
    own = metadata.get("handoff") if isinstance(metadata, dict) else None
    try:
        return Handoff.objects.filter(pk=uuid.UUID(str(own))).first()
    except ValueError:
        return Handoff.objects.filter(remote_id=str(about.get("id"))).first()


def _told(*, event: Event, handoff: Handoff) -> Told:
    data = event.payload.get("data")
    if event.sequence is None or not isinstance(data, dict):
        raise MalformedEvent("an event about a handoff has a sequence and data")
    return Told(
        webhook_id=event.webhook_id,
        type=event.type,
        sequence=event.sequence,
        state=str(event.payload["handoff"].get("state")),
        handoff=handoff,
        data=data,
    )


def _apply(told: Told) -> None:
    if told.type in ("handoff.ended", "handoff.failed"):
        _show_text(told)
        state = State.ENDED if told.type == "handoff.ended" else State.FAILED
        chat.finish(handoff=told.handoff, state=state, sequence=told.sequence)
    elif told.type.startswith("handoff."):
        _follow(told)
        _show_text(told)
    elif act := _SAID.get(told.type):
        act(told)


def _follow(told: Told) -> None:
    """Note where the handoff stands, unless a later event has said so already."""
    newer = Handoff.objects.filter(
        pk=told.handoff.pk,
        last_sequence__lt=told.sequence,
        state__in=(State.REQUESTED, State.QUEUED, State.ACCEPTED),
    )
    changes: dict[str, Any] = {"last_sequence": told.sequence}
    if told.state in (State.QUEUED, State.ACCEPTED):
        changes["state"] = told.state
    if "agent" in told.data:
        changes["agent_name"] = extras.name(told.data["agent"])
        changes["agent_avatar_url"] = extras.avatar_url(told.data["agent"])
    if "position" in told.data:
        changes["position"] = told.data["position"]
        changes["wait_text"] = told.data.get("wait_text") or ""
        changes["wait_seconds"] = told.data.get("wait_seconds")
    newer.update(**changes)


def _show_text(told: Told) -> None:
    text = told.data.get("text")
    if text is None and told.type == "handoff.accepted":
        name = extras.name(told.data.get("agent")) or AN_AGENT
        text = f"You are now talking to {name}."
    if text:
        _show(told, key=told.webhook_id, role=Role.SYSTEM, text=text)


def _show_message(told: Told) -> None:
    data = told.data
    role = Role.AGENT if data.get("role") == Role.AGENT else Role.SYSTEM
    choices = extras.choices(data.get("choices"))
    _show(
        told,
        key=data.get("message_id") or told.webhook_id,
        role=role,
        text=extras.question(data.get("text") or "", choices=choices),
        author=extras.name(data.get("sender")),
        avatar_url=extras.avatar_url(data.get("sender")),
        attachments=extras.attachments(data.get("attachments")),
        links=extras.links(data.get("links")),
        choices=choices,
    )
    if role == Role.AGENT:
        _meet(told)
    _stop_typing(told)


def _meet(told: Told) -> None:
    """Learn who the agent is from what he says, where nothing told it as he came."""
    sender = told.data.get("sender")
    Handoff.objects.filter(pk=told.handoff.pk, agent_name="").update(
        agent_name=extras.name(sender), agent_avatar_url=extras.avatar_url(sender)
    )


def _show(told: Told, *, key: str, role: Role, text: str, **more: Any) -> None:
    Message.objects.get_or_create(
        conversation=told.handoff.conversation,
        key=key,
        defaults={
            "handoff": told.handoff,
            "role": role,
            "text": text,
            "sequence": told.sequence,
            **more,
        },
    )


def _start_typing(told: Told) -> None:
    name = extras.name(told.data.get("sender"))
    _note_typing(told, name=name, until=timezone.now() + TYPING_LASTS)


def _stop_typing(told: Told) -> None:
    _note_typing(told, name="", until=None)


def _note_typing(told: Told, *, name: str, until: datetime | None) -> None:
    """Note who types, unless a later event has said so already."""
    Handoff.objects.filter(
        pk=told.handoff.pk, typing_sequence__lt=told.sequence
    ).update(typing_sequence=told.sequence, typing_name=name, typing_until=until)


def _mark_delivered(told: Told) -> None:
    # A failure stands: some part of the message is missing at the agent's.
    _asked_about(told, {Delivery.SENDING, Delivery.SENT}).update(
        delivery=Delivery.DELIVERED
    )


def _mark_failed(told: Told) -> None:
    reason = told.data.get("reason")
    _asked_about(told, set(Delivery)).update(
        delivery=Delivery.FAILED, reason=reason if isinstance(reason, str) else ""
    )


def _asked_about(told: Told, deliveries: set[Delivery]) -> QuerySet[Message]:
    """Find the user's message by the id that we gave it."""
    return Message.objects.filter(
        handoff=told.handoff,
        role=Role.USER,
        key=told.data.get("id"),
        delivery__in=deliveries,
    )


_SAID: dict[str, Callable[[Told], None]] = {
    "message.created": _show_message,
    "message.delivered": _mark_delivered,
    "message.failed": _mark_failed,
    "typing.started": _start_typing,
    "typing.stopped": _stop_typing,
}
