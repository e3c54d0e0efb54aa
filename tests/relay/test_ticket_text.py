"""What an incident says to whoever takes it up."""

from typing import Any

import pytest

from handoff import services
from handoff.models import Handoff
from handoff.models.bot import Bot, WithoutAgent
from handoff.models.message import Role
from tests.relay.conftest import SESSIONS, drain, post
from tests.relay.tickets import create, incident, sent_body

pytestmark = pytest.mark.django_db


@pytest.fixture
def bot(bot: Bot) -> Bot:
    bot.without_agent = WithoutAgent.INCIDENT
    bot.save()
    return bot


def description(http: Any, handoff: Handoff) -> str:
    http.post(SESSIONS, status=403, json={"result": "closed"})
    create(http, status=201, json={"result": incident(handoff)})
    drain(handoff)
    return sent_body(http)["description"]


def start(bot: Bot, **fields: Any) -> Handoff:
    request = services.StartRequest(
        conversation_id="c-7",
        message="My door is jammed.\nHelp!",
        user={"name": "Robin", "email": "robin@example.org"},
        channel="web",
        **fields,
    )
    return services.start_handoff(bot=bot, request=request).handoff


def test_it_says_who_asked_and_all_that_was_said(http, bot):
    before = services.TranscriptEntry(role=Role.BOT, text="How can I help?")
    handoff = start(bot, transcript=[before])
    post(handoff, "Anybody?")

    assert description(http, handoff).splitlines() == [
        "The queue is closed.",
        "From: Robin <robin@example.org>",
        "Channel: web",
        "Conversation: c-7",
        "",
        "Transcript of the conversation with the bot:",
        "Bot: How can I help?",
        "User: My door is jammed.",
        "Help!",
        "User: Anybody?",
    ]
    summary = sent_body(http)["short_description"]
    assert summary == "Chat without an agent: My door is jammed. Help!"


def test_what_is_too_long_loses_its_beginning_and_says_so(http, bot):
    said = [f"line {number:03d}" for number in range(500)]
    before = [services.TranscriptEntry(role=Role.BOT, text=text) for text in said]
    handoff = start(bot, transcript=before)

    shown = description(http, handoff)

    assert len(shown) <= 4_000
    lines = shown.splitlines()
    assert lines[5] == "(The beginning is left out: it is too long for this field.)"
    assert lines[6].startswith("Bot: line ")
    assert lines[-3:] == ["Bot: line 499", "User: My door is jammed.", "Help!"]


def test_one_long_word_is_cut_too(http, bot):
    handoff = start(bot)
    post(handoff, "x" * 10_000)

    assert len(description(http, handoff)) == 4_000
