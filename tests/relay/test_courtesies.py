"""Typing and receipts: shown to the agent, and nothing that a lane waits for."""

import json
from datetime import timedelta

import pytest
from django.utils.timezone import now

from handoff import doorbell, services
from handoff.models import Event, Message
from handoff.models.message import Receipt
from handoff.relay import courtesies
from servicenow_auth.models import ConnectionRuntime
from tests.relay.agent_chat import ACCEPTED, AGENT, LEFT, call_back, text
from tests.relay.conftest import ENVELOPE, VIRTUAL_AGENT, events

pytestmark = pytest.mark.django_db

NAME = "1" * 32
STARTS = {"uiType": "ActionMsg", "actionType": "StartTypingIndicator"}
STOPS = {"uiType": "ActionMsg", "actionType": "EndTypingIndicator"}


@pytest.fixture
def told(chat):
    """A handoff in which the agent said something, and the bot was told."""
    call_back(chat, ACCEPTED)
    call_back(chat, text("Hello", agentInfo=AGENT, messageId=NAME))
    return chat


def receipt() -> str:
    return Message.objects.get(sys_id=NAME).receipt


def test_a_message_that_reached_the_bot_is_acknowledged_once(http, told):
    http.post(VIRTUAL_AGENT, json={"status": "success"})
    courtesies.send_receipts(told.pk)
    courtesies.send_receipts(told.pk)

    body = json.loads(http.calls[-1].request.body)
    assert body["action"] == "UPDATE_MESSAGES"
    assert body["message"] == [{"id": NAME, "status": "sent_to_user"}]
    assert receipt() == Receipt.DELIVERED


def test_a_message_that_never_will_is_shown_as_failed(http, told):
    Event.objects.filter(message__sys_id=NAME).update(state="failed")
    http.post(VIRTUAL_AGENT, json={"status": "success"})
    courtesies.send_receipts(told.pk)

    body = json.loads(http.calls[-1].request.body)
    assert body["message"] == [{"id": NAME, "status": "external_error"}]
    assert receipt() == Receipt.FAILED


def test_nothing_is_acknowledged_before_the_bot_has_it(told):
    Event.objects.filter(message__sys_id=NAME).update(state="pending")

    courtesies.send_receipts(told.pk)

    assert receipt() == Receipt.DUE


def test_receipts_that_are_refused_are_not_sent_again(http, told):
    http.post(VIRTUAL_AGENT, json=ENVELOPE, status=400)
    courtesies.send_receipts(told.pk)
    courtesies.send_receipts(told.pk)

    assert receipt() == Receipt.REFUSED


def test_receipts_that_met_a_closed_door_are_sent_later(http, told):
    http.post(VIRTUAL_AGENT, status=503)
    courtesies.send_receipts(told.pk)
    http.post(VIRTUAL_AGENT, json={"status": "success"})
    courtesies.send_receipts(told.pk)

    assert receipt() == Receipt.DELIVERED


def test_a_429_pauses_the_connection_for_courtesies_too(http, told):
    http.post(VIRTUAL_AGENT, status=429, headers={"Retry-After": "60"})
    courtesies.send_receipts(told.pk)
    courtesies.send_receipts(told.pk)

    assert ConnectionRuntime.objects.get().pause_ends_at is not None
    assert receipt() == Receipt.DUE


def test_the_clock_rings_for_receipts_of_the_last_hour(rung, told):
    courtesies.ring_for_receipts()
    Message.objects.update(created_at=now() - timedelta(hours=2))
    courtesies.ring_for_receipts()

    assert rung == [("send_receipts", str(told.pk))]


def test_the_agents_typing_is_told_while_he_is_there(chat):
    call_back(chat, STARTS)
    call_back(chat, ACCEPTED)
    call_back(chat, STARTS)
    call_back(chat, STOPS)
    call_back(chat, LEFT)
    call_back(chat, STARTS)

    assert events(chat) == ["handoff.accepted", "typing.started", "typing.stopped"]


@pytest.mark.parametrize(("typing", "action"), [(True, "TYPING"), (False, "VIEWING")])
def test_the_users_typing_is_shown_to_the_agent(http, told, typing, action):
    http.post(VIRTUAL_AGENT, json={"status": "success"})
    courtesies.show_typing(told.pk, typing=typing)

    assert json.loads(http.calls[-1].request.body)["action"] == action


def test_typing_is_shown_to_nobody_before_an_agent_is_there(chat):
    courtesies.show_typing(chat.pk, typing=True)


@pytest.fixture
def rung(monkeypatch) -> list[tuple[object, ...]]:
    rings: list[tuple[object, ...]] = []
    monkeypatch.setattr(doorbell, "ring", lambda *args, **_: rings.append(args))
    return rings


def test_typing_rings_where_an_agent_sees_it(rung, told):
    services.set_typing(handoff_id=told.pk, bot=told.bot, typing=True)

    assert rung == [("show_typing", str(told.pk), 1)]


def test_typing_rings_for_nobody_where_the_chat_system_shows_none(rung, running):
    running.state = "accepted"
    running.save()
    services.set_typing(handoff_id=running.pk, bot=running.bot, typing=True)

    assert rung == []
