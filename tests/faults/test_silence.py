"""ServiceNow says nothing for a while: all waits, the pages say so, all arrives."""

import time
from datetime import datetime
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models.functions import Now

from handoff import doorbell, relay
from handoff.models import Lane
from handoff.relay import due
from servicenow_auth.models import ConnectionRuntime
from tests.admin.people import Admin, page
from tests.faults.chat import A_MOMENT_AGO, PATIENCE, Chat, open_chat

pytestmark = [pytest.mark.real_http, pytest.mark.django_db]
SAID = [f"{number} while nobody answers" for number in range(4)]
ROUNDS = 3


@pytest.fixture
def olga(db, settings) -> Admin:
    settings.DEMO = True  # one factor at login
    return Admin(User.objects.create_superuser("olga"))


@pytest.fixture
def chats(chat: Chat) -> list[Chat]:
    bot = chat.handoff.bot
    others = [
        open_chat(chat.instance, bot, conversation_id=name) for name in ("c-2", "c-3")
    ]
    return [chat, *others]


@pytest.fixture(autouse=True)
def worker(monkeypatch):
    """Do at once what a sweep rings for, and only that: the test is the worker."""

    def ring(task: str, *args: Any, **_: Any) -> None:
        if task == "drain_lane":
            relay.drain(*args)

    monkeypatch.setattr(doorbell, "ring", ring)
    monkeypatch.setattr(doorbell, "ring_lane", lambda _lane_id: None)


def let_waits_end() -> None:
    """Let all waits be over, for the instance's pause as for the lanes."""
    ConnectionRuntime.objects.exclude(paused_until=None).update(
        paused_until=Now() - A_MOMENT_AGO
    )
    Lane.objects.exclude(wake_at=None).update(wake_at=Now() - A_MOMENT_AGO)


def pages(olga: Admin, chats: list[Chat]) -> tuple[str, list[str]]:
    """Return the bot's page and those of the handoffs."""
    bot = olga.get("handoff_bot_change", chats[0].handoff.bot.pk)
    handoffs = [olga.get("handoff_handoff_change", one.handoff.pk) for one in chats]
    return page(bot), [page(one) for one in handoffs]


def assert_said(olga: Admin, chats: list[Chat], *, began: datetime) -> None:
    since = f"since {began:%Y-%m-%d %H:%M} UTC"
    bots_page, handoffs_pages = pages(olga, chats)
    assert f"Host unreachable {since}: No complete answer came in time." in bots_page
    assert "Paused until " in bots_page
    assert " failed in a row)" in bots_page
    assert "Oldest item waiting for ServiceNow</dt>" in bots_page
    for html in handoffs_pages:
        assert f"No call to ServiceNow has got through {since}." in html
        assert "Next try: " in html
        assert html.count("<span>pending</span>") >= len(SAID) - 1


def assert_back_to_normal(olga: Admin, chats: list[Chat]) -> None:
    bots_page, handoffs_pages = pages(olga, chats)
    assert "Ready, connected as" in bots_page
    assert "Not paused" in bots_page
    assert "failed in a row" not in bots_page
    assert ConnectionRuntime.objects.get().failing_since is None
    for html in handoffs_pages:
        assert "No call to ServiceNow" not in html
        assert "Next try: " not in html


def test_a_long_silence_is_said_and_all_that_waited_arrives_in_order(chats, olga):
    instance = chats[0].instance
    instance.switch(fault_silence_before=100, fault_silence_seconds=2)
    for chat in chats:
        chat.say(*SAID)
    due.sweep()
    began = ConnectionRuntime.objects.get().failing_since
    for _ in range(ROUNDS):
        let_waits_end()
        due.sweep()
    assert ConnectionRuntime.objects.get().failing_since == began
    assert_said(olga, chats, began=began)

    instance.switch(fault_silence_before=0)
    end = time.monotonic() + PATIENCE
    while any(chat.unsettled.exists() for chat in chats):
        assert time.monotonic() < end
        let_waits_end()
        due.sweep()
        time.sleep(0.05)

    for chat in chats:
        assert chat.seen() == SAID
        assert chat.events == ["message.delivered"] * len(SAID)
    assert_back_to_normal(olga, chats)
