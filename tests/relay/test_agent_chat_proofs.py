"""What became of an item of unknown outcome at Agent Chat: what can be proven."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.utils.timezone import now

from handoff import services
from handoff.chat_systems.agent_chat import records
from handoff.models import Handoff, Lane, Outgoing
from handoff.models.handoff import Reason
from tests.relay.agent_chat import (
    ACCEPTED,
    AGENT,
    LEFT,
    actions,
    call_back,
    drain,
    final,
    pass_time,
    text,
)
from tests.relay.conftest import (
    ENVELOPE,
    HOST,
    VIRTUAL_AGENT,
    events,
    post,
    states,
    to_servicenow,
)
from tests.relay.reading_back import settle

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db]

INTERACTION, CONVERSATION = "1f" * 16, "5e" * 16
ROWS = f"{HOST}{records.MESSAGES}"
BROKEN: dict[str, Any] = {"status": 502, "body": "<html>"}
TAKEN: dict[str, Any] = {"json": {"status": "success"}}


@pytest.fixture
def unknown(http, chat):
    """An agent is there; a message was sent and its answer lost; another one waits."""
    call_back(chat, ACCEPTED)
    post(chat, "one", "two")
    http.post(VIRTUAL_AGENT, **BROKEN)
    drain(chat)
    assert states(chat)[1:] == ["sending", "pending"]
    return chat


@pytest.fixture
def interaction(unknown):
    """The same where ServiceNow told the interaction."""
    call_back(unknown, interactionId=INTERACTION)
    return unknown


def name(handoff: Handoff, said: str) -> str:
    item = Outgoing.objects.get(lane__handoff=handoff, text=said)
    return f"{handoff.pk}-{item.sequence}"


def shows(http, *texts: str, state: str = "work_in_progress") -> None:
    """Let the tables show these of our texts, after the question."""
    document = {"channel_metadata_document": CONVERSATION, "state": state}
    http.get(f"{HOST}{records.INTERACTION}/{INTERACTION}", json={"result": document})
    rows = [
        {
            "sys_id": f"{number:032x}",
            "conversation": CONVERSATION,
            "direction": "inbound",
            "payload": said,
        }
        for number, said in enumerate(("My door is jammed.", *texts))
    ]
    http.get(ROWS, json={"result": rows})


def posted(http) -> list[str]:
    bodies = [json.loads(call.request.body) for call in http.calls if call.request.body]
    return [body["message"]["text"] for body in bodies]


def test_a_callback_that_names_the_message_proves_it_and_the_next_one_goes(
    http, unknown
):
    answer = text("I am here", agentInfo=AGENT, messageId="9" * 32)
    http.post(VIRTUAL_AGENT, **TAKEN)

    call_back(unknown, answer, requestId=name(unknown, "one"), agentChat=True)
    drain(unknown)

    assert states(unknown)[1:] == ["sent", "sent"]
    assert posted(http)[1:] == ["one", "two"]


def test_what_is_proven_is_due_at_once(unknown, django_capture_on_commit_callbacks):
    Lane.objects.update(wake_at=now() + timedelta(hours=1))

    with django_capture_on_commit_callbacks(execute=True):
        call_back(unknown, requestId=name(unknown, "one"))

    assert to_servicenow(unknown).wake_at <= now() + timedelta(seconds=1)


def test_its_name_in_the_echoed_message_proves_it_too(http, unknown):
    http.post(VIRTUAL_AGENT, **TAKEN)

    call_back(unknown, message={"clientMessageId": name(unknown, "one")})
    drain(unknown)

    assert states(unknown)[1:] == ["sent", "sent"]


@pytest.mark.parametrize("request_id", ["", "x", "{other}-2", "{own}-1", "{own}-²"])
def test_another_name_proves_nothing(unknown, request_id):
    other = "0b8b3c1e-3f6e-4a44-9a57-1f0b5e8fb0a9"

    call_back(unknown, requestId=request_id.format(own=unknown.pk, other=other))
    drain(unknown)

    assert states(unknown)[1:] == ["sending", "pending"]


def test_a_message_that_the_tables_show_has_arrived(http, interaction):
    shows(http, "one")
    http.post(VIRTUAL_AGENT, **TAKEN)

    drain(interaction)

    assert states(interaction)[1:] == ["sent", "sent"]
    assert posted(http)[1:] == ["one", "two"]
    assert Outgoing.objects.get(text="one").sys_id == f"{1:032x}"


def test_one_that_they_do_not_show_goes_again_once_it_no_longer_can(http, interaction):
    shows(http)
    drain(interaction)
    assert states(interaction)[1:] == ["sending", "pending"]

    settle()
    shows(http)
    http.post(VIRTUAL_AGENT, **TAKEN)
    http.post(VIRTUAL_AGENT, **TAKEN)
    drain(interaction)

    assert posted(http)[1:] == ["one", "one", "two"]
    assert states(interaction)[1:] == ["sent", "sent"]


def test_an_end_that_no_callback_told_is_seen_before_anything_goes_again(
    http, interaction
):
    settle()
    shows(http, state="closed_complete")
    drain(interaction)
    assert states(interaction)[1:] == ["failed", "pending"]

    http.post(VIRTUAL_AGENT, **TAKEN)
    pass_time(interaction, seconds=5)
    drain(interaction)

    assert final(interaction)["reason"] == "completed"
    assert states(interaction)[1:] == ["failed", "failed", "sent"]
    assert posted(http)[1:] == ["one", ""]


def test_one_that_did_not_arrive_before_the_end_is_failed(http, interaction):
    """After the end ServiceNow answers 200, and drops it."""
    settle()
    shows(http)
    http.post(VIRTUAL_AGENT, **TAKEN)
    call_back(interaction, LEFT, completed=True)
    pass_time(interaction, seconds=5)

    drain(interaction)

    assert states(interaction)[1:] == ["failed", "failed", "sent"]
    assert posted(http) == ["My door is jammed.", "one", ""]


def leave(handoff: Handoff) -> None:
    services.end_handoff(
        handoff_id=handoff.pk, bot=handoff.bot, reason=Reason.USER_LEFT
    )


def test_what_a_user_said_before_he_left_goes_again_while_the_agent_is_there(
    http, interaction
):
    leave(interaction)
    settle()
    shows(http)
    for _ in ("one", "two", "end"):
        http.post(VIRTUAL_AGENT, **TAKEN)

    drain(interaction)

    assert states(interaction)[1:] == ["sent", "sent", "sent"]
    assert posted(http)[1:] == ["one", "one", "two", ""]


def test_nothing_goes_to_an_agent_who_was_the_first_to_go(http, interaction):
    leave(interaction)
    settle()
    shows(http, state="closed_complete")

    drain(interaction)

    assert states(interaction)[1:] == ["failed", "failed", "failed"]
    assert posted(http)[1:] == ["one"]


def test_it_is_held_where_the_tables_may_not_be_read(http, interaction):
    settle()
    http.get(f"{HOST}{records.INTERACTION}/{INTERACTION}", status=403, json=ENVELOPE)

    drain(interaction)

    assert states(interaction)[1:] == ["sending", "pending"]
    assert to_servicenow(interaction).stalled_reason == "unreadable"


def test_it_is_held_where_other_words_of_ours_stand_there(http, interaction):
    settle()
    shows(http, "***")

    drain(interaction)

    assert states(interaction)[1:] == ["sending", "pending"]
    assert "may have changed" in Outgoing.objects.get(text="one").last_error


def test_without_the_interaction_nothing_is_asked(http, unknown):
    settle()

    drain(unknown)

    assert states(unknown)[1:] == ["sending", "pending"]
    assert to_servicenow(unknown).stalled_reason == "ambiguous"


def test_what_nothing_proves_is_given_up_after_a_day(http, unknown, settings):
    day = settings.MAX_AGE + timedelta(minutes=1)
    Outgoing.objects.filter(text="one").update(created_at=now() - day)
    http.post(VIRTUAL_AGENT, **TAKEN)

    drain(unknown)

    assert states(unknown)[1:] == ["failed", "sent"]
    assert events(unknown)[-2:] == ["message.failed", "message.delivered"]


def test_a_choice_is_not_looked_up(http, chat):
    """It may be kept by its label, by its value, or otherwise."""
    call_back(chat, ACCEPTED, interactionId=INTERACTION)
    chosen = services.NewMessage(id="c", text="Very good", choice_value="3")
    services.post_message(handoff_id=chat.pk, bot=chat.bot, message=chosen)
    http.post(VIRTUAL_AGENT, **BROKEN)
    drain(chat)
    settle()

    drain(chat)

    assert states(chat)[1:] == ["sending"]


def test_a_choice_is_not_taken_for_a_message_with_its_value(http, chat):
    call_back(chat, ACCEPTED, interactionId=INTERACTION)
    chosen = services.NewMessage(id="c", text="Very good", choice_value="3")
    services.post_message(handoff_id=chat.pk, bot=chat.bot, message=chosen)
    http.post(VIRTUAL_AGENT, **TAKEN)
    drain(chat)
    post(chat, "3")
    http.post(VIRTUAL_AGENT, **BROKEN)
    drain(chat)
    shows(http, "3")

    drain(chat)

    assert states(chat)[1:] == ["sent", "sending"]


def test_an_end_of_unknown_outcome_is_sent_again(http, chat):
    call_back(chat, ACCEPTED)
    services.end_handoff(handoff_id=chat.pk, bot=chat.bot)
    http.post(VIRTUAL_AGENT, **BROKEN)
    drain(chat)
    assert states(chat)[1:] == ["sending"]

    http.post(VIRTUAL_AGENT, **TAKEN)
    drain(chat)

    assert actions(http)[1:] == ["END_CONVERSATION"] * 2
    assert states(chat)[1:] == ["sent"]
