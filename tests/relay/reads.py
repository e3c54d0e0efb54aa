"""Reads of all open handoffs of a bot: what ServiceNow shows, and what came of it."""

import json
from datetime import timedelta

import pytest
from django.utils.timezone import now

from handoff import services
from handoff.models import BotRuntime, Event, Handoff
from handoff.relay import inbox
from tests.relay.conftest import ENTRIES, GROUP, LIVE_MESSAGES, STATE, entry, row


def again(**fields) -> BotRuntime:
    past = now() - timedelta(seconds=1)
    BotRuntime.objects.update(reconcile_at=past, **fields)
    return BotRuntime.objects.get()


def shows(http, *messages, entries=None, line=None, **options) -> None:
    """Have ServiceNow show these to one read of all."""
    entries = [entry(1)] if entries is None else entries
    rows = {"result": [row(one) for one in messages]}
    http.get(LIVE_MESSAGES, json=rows, **options)
    http.get(ENTRIES, json={"result": [row(one) for one in entries]}, **options)
    if any(one["state"] == 1 for one in entries):
        http.get(STATE, json={"result": line or entries}, **options)


def ago(seconds: float) -> int:
    """Return the timestamp of a time before now, in milliseconds."""
    return int((now().timestamp() - seconds) * 1000)


def texts(handoff: Handoff) -> list[str]:
    told = Event.objects.filter(handoff=handoff, type="message.created")
    return [event.payload["data"]["text"] for event in told.order_by("sequence")]


def tell(handoff: Handoff, shown, **fields) -> None:
    """Call back about a message, as the signed rule does."""
    body = {"event": "message", **row(shown), "sender_name": "Beth", **fields}
    services.receive_callback(
        bot=handoff.bot,
        body=json.dumps(body).encode(),
        authenticated_by="signature",
        delivery_id=shown["sys_id"],
    )
    inbox.process(bot_id=handoff.bot_id, group_id=GROUP)


def wait() -> timedelta:
    """Return for how long nothing will be read now."""
    return BotRuntime.objects.get().reconcile_at - now()


def about(wanted: float) -> object:
    return pytest.approx(wanted, abs=3)
