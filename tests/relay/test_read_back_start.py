"""What becomes of a start of unknown outcome, by what ServiceNow shows of the queue."""

from typing import Any

import pytest
from django.db import IntegrityError
from django.utils.timezone import now

from handoff import relay, services
from handoff.models import Bot, Handoff, Outgoing
from handoff.models.handoff import State
from tests.relay.conftest import (
    AGENT,
    ENTRY,
    GROUP,
    MESSAGES,
    SESSIONS,
    STATE,
    drain,
    entry,
    events,
    post,
    states,
    to_servicenow,
)
from tests.relay.reading_back import settle

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db]

US = "f" * 32
CONVERSATION = f"{STATE.rpartition('/support')[0]}/conversations/{GROUP}"
QUESTION = "My door is jammed."
OTHER = {"sys_id": "7" * 32, "group": "8" * 32, "opened_by": US}


@pytest.fixture
def unknown(http, handoff: Handoff) -> Handoff:
    """A start was sent and its answer lost."""
    http.post(SESSIONS, status=502, body="<html>")
    relay.drain(to_servicenow(handoff).pk)
    assert states(handoff) == ["sending"]
    return handoff


@pytest.fixture
def known(bot: Bot) -> dict[str, Any]:
    """An earlier handoff of the bot, as the queue shows it."""
    Handoff.objects.create(
        bot=bot,
        conversation_id="c-0",
        group_id="e" * 32,
        state="ended",
        reason="completed",
        ended_at=now(),
    )
    return entry(3, group="e" * 32, opened_by=US, short_description="Earlier")


def shows(http, *entries: dict[str, Any]) -> None:
    http.get(STATE, json={"result": list(entries)})


def opened(**fields: Any) -> dict[str, Any]:
    return entry(opened_by=US, short_description=QUESTION) | fields


def test_a_chat_that_was_opened_is_found(http, unknown):
    shows(http, opened())

    drain(unknown)

    assert (unknown.state, unknown.group_id) == (State.QUEUED, GROUP)
    assert unknown.entry_id == ENTRY
    assert events(unknown) == ["handoff.queued"]
    assert states(unknown) == ["sent"]


def test_one_that_was_not_is_opened_once_it_no_longer_can_be(http, unknown, known):
    shows(http, known)
    drain(unknown)
    assert states(unknown) == ["sending"]

    settle()
    http.post(SESSIONS, json={"result": entry()}, status=201)
    drain(unknown)

    assert (states(unknown), unknown.group_id) == (["sent"], GROUP)
    assert Outgoing.objects.get().attempts == 2


def test_a_queue_that_shows_nothing_of_ours_proves_nothing(http, unknown):
    settle()
    shows(http, opened(opened_by=AGENT, group="9" * 32))

    drain(unknown)

    assert states(unknown) == ["sending"]
    assert "shows us none" in Outgoing.objects.get().last_error


@pytest.mark.parametrize(
    "other",
    [
        {"opened_by": AGENT},
        {"short_description": "Somebody else's door"},
        {"group": ""},
        {"group": "e" * 32},
    ],
)
def test_another_chat_is_not_taken_for_it(http, unknown, known, other):
    shows(http, known, opened(**other))

    drain(unknown)

    assert states(unknown) == ["sending"]


@pytest.mark.parametrize(
    ("said", "found"), [(QUESTION, True), ("My door is gone.", False)]
)
@pytest.mark.parametrize("shown", ["My door is", ""])
def test_a_queue_may_show_how_a_question_begins(
    http, unknown, known, shown, said, found
):
    shows(http, known, opened(short_description=shown))
    row = {"sys_id": "5" * 32, "group": GROUP, "formatted_message": said}
    http.get(f"{CONVERSATION}/messages", json={"result": [row]})

    drain(unknown)

    assert states(unknown) == ["sent" if found else "sending"]


def test_one_that_ended_meanwhile_is_not_opened_again(http, unknown, known):
    services.end_handoff(handoff_id=unknown.pk, bot=unknown.bot)
    settle()
    shows(http, known)

    drain(unknown)

    assert states(unknown) == ["failed", "failed"]
    assert events(unknown) == ["handoff.failed"]


def test_one_that_ended_meanwhile_is_left_where_it_was_opened(http, unknown):
    services.end_handoff(handoff_id=unknown.pk, bot=unknown.bot)
    shows(http, opened())
    http.get(MESSAGES, json={"result": []})
    left = http.post(
        STATE + f"/{GROUP}/leave", json={"result": opened(state=8)}, status=200
    )

    drain(unknown)

    assert states(unknown) == ["sent", "sent"]
    assert left.call_count == 1
    assert events(unknown) == ["handoff.failed"]


def test_of_two_starts_alike_each_gets_a_chat_of_its_own(http, unknown, bot):
    request = services.StartRequest(conversation_id="c-2", message=QUESTION)
    second = services.start_handoff(bot=bot, request=request).handoff
    drain(second)
    assert states(second) == ["sending"]
    shows(http, opened(), opened(**OTHER))

    drain(unknown)
    drain(second)

    assert {unknown.group_id, second.group_id} == {GROUP, OTHER["group"]}


def test_the_database_lets_no_two_handoffs_have_one_chat(unknown, known, bot):
    with pytest.raises(IntegrityError):
        Handoff.objects.filter(pk=unknown.pk).update(group_id="e" * 32)


def test_what_was_said_meanwhile_follows(http, unknown):
    post(unknown, "Are you there?")
    shows(http, opened())
    said = http.post(
        f"{CONVERSATION}/messages",
        json={"result": {"sys_id": "2" * 32}},
    )

    drain(unknown)

    assert states(unknown) == ["sent", "sent"]
    assert said.call_count == 1
