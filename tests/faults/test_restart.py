"""What workers left behind, in whatever state, is carried on by those that follow."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.db.models.functions import Now

from handoff import relay, services
from handoff.failpoints import Point
from handoff.models import Callback, Event, Lane, Outgoing, SigningSecret
from handoff.models.lane import UNSETTLED
from handoff.relay import inbox
from tests.faults.chat import A_MOMENT_AGO, PATIENCE, QUESTION, Chat, open_chat
from tests.faults.traps import Killed, die, trap
from tests.relay.conftest import to_bot, to_servicenow
from tests.sandbox.receiver import Receiver

pytestmark = [pytest.mark.real_http, pytest.mark.django_db]

MOMENTS = (Point.AFTER_CLAIM, Point.AFTER_INTENT, Point.AFTER_ANSWER)


@pytest.fixture
def webhook(sandbox_bot, settings) -> Iterator[Receiver]:
    """What the bot of the chats is told."""
    receiver = Receiver()
    settings.WEBHOOK_EXTRA_ORIGINS = [receiver.url.removesuffix("/callback/")]
    sandbox_bot.webhook_url = receiver.url
    sandbox_bot.save()
    purpose = SigningSecret.Purpose.WEBHOOK
    services.new_signing_secret(bot=sandbox_bot, purpose=purpose)
    yield receiver
    receiver.close()


def leave_behind(lane: Lane, *, moment: Point | None) -> None:
    """Let a worker take the lane and die at the moment, or none ever come."""
    if moment is not None:
        with trap(moment, die), pytest.raises(Killed):
            relay.drain(lane.pk)


def work_until_settled() -> None:
    """Do what workers and sweep do; dead workers' leases and all waits are over."""
    end = time.monotonic() + PATIENCE
    while any(kind.objects.filter(state__in=UNSETTLED) for kind in (Outgoing, Event)):
        assert time.monotonic() < end
        waiting = Lane.objects.filter(wake_at__isnull=False)
        waiting.update(wake_at=Now() - A_MOMENT_AGO, lease_until=None)
        for lane in waiting.all():
            relay.drain(lane.pk)
        for callback in Callback.objects.filter(state=Callback.State.STORED):
            inbox.process(bot_id=callback.bot_id, group_id=callback.group_id)


def say_from_there(chat: Chat, text: str) -> None:
    body = {
        "event": "message",
        "group": chat.handoff.group_id,
        "sys_id": "e" * 32,
        "formatted_message": text,
        "sys_created_by": "agent",
    }
    services.receive_callback(
        bot=chat.handoff.bot,
        body=json.dumps(body).encode(),
        authenticated_by="signature",
        delivery_id=None,
    )


def told(webhook: Receiver, chat: Chat) -> list[dict[str, Any]]:
    """Return the events of a chat as the bot takes them: each id once."""
    events = {call.body["id"]: call.body for call in webhook.received}
    mine = str(chat.handoff.pk)
    return [e for e in events.values() if e["handoff"] and e["handoff"]["id"] == mine]


@pytest.mark.parametrize("moment", [None, *MOMENTS], ids=str)
def test_messages_events_and_callbacks_go_on(
    impatient, instance, webhook, sandbox_bot, moment
):
    chat = open_chat(instance, sandbox_bot)
    chat.say("one", "two")
    say_from_there(chat, "Hello")
    leave_behind(to_servicenow(chat.handoff), moment=moment)
    leave_behind(to_bot(chat.handoff), moment=moment)

    work_until_settled()

    assert chat.seen() == ["one", "two"]
    events = told(webhook, chat)
    assert [event["sequence"] for event in events] == list(range(1, len(events) + 1))
    said = [e["data"]["text"] for e in events if e["type"] == "message.created"]
    assert said == ["Hello"]


@pytest.mark.parametrize("moment", [None, *MOMENTS], ids=str)
def test_an_end_goes_on(impatient, instance, webhook, sandbox_bot, moment):
    chat = open_chat(instance, sandbox_bot)
    services.end_handoff(handoff_id=chat.handoff.pk, bot=sandbox_bot)
    leave_behind(to_servicenow(chat.handoff), moment=moment)

    work_until_settled()

    assert instance.entry(chat.handoff.group_id)["state"] == 8
    assert told(webhook, chat)[-1]["data"]["final"] is True


@pytest.mark.parametrize("moment", [None, *MOMENTS], ids=str)
def test_a_start_goes_on(impatient, instance, webhook, sandbox_bot, moment):
    before = open_chat(instance, sandbox_bot, conversation_id="c-0")
    request = services.StartRequest(
        conversation_id="c-1", message=f"{QUESTION} {moment}"
    )
    handoff = services.start_handoff(bot=sandbox_bot, request=request).handoff
    chat = Chat(handoff, instance)
    chat.say("one")
    leave_behind(to_servicenow(handoff), moment=moment)

    work_until_settled()

    handoff.refresh_from_db()
    assert handoff.group_id not in ("", before.handoff.group_id)
    assert chat.seen() == ["one"]
    query = f"short_description={request.message}"
    opened = instance.table("chat_queue_entry", sysparm_query=query)
    assert len(opened) == 1
