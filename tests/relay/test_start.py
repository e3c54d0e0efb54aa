from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils.timezone import now

from handoff import lifecycle, relay, services
from handoff.models import Event, Handoff, Lane
from handoff.models.handoff import Reason, State
from handoff.models.message import Role
from servicenow_auth.models import ConnectionRuntime
from tests.relay.conftest import (
    ENVELOPE,
    GROUP,
    MESSAGES,
    SESSIONS,
    bodies,
    entry,
    events,
    post,
    states,
    to_servicenow,
)

pytestmark = pytest.mark.django_db


def test_a_handoff_opens_a_conversation_and_is_queued(http, handoff):
    http.post(SESSIONS, json={"result": entry()}, status=201)

    relay.drain(to_servicenow(handoff).pk)

    handoff.refresh_from_db()
    assert (handoff.state, handoff.group_id) == ("queued", GROUP)
    assert handoff.number == "CHAT0010042"
    assert events(handoff) == ["handoff.queued"]
    assert to_servicenow(handoff).wake_at is None


def test_the_question_says_who_asks_and_the_transcript_follows(http, bot):
    request = services.StartRequest(
        conversation_id="c-2",
        message="My door is jammed.",
        user={"id": "u-7", "name": "Robin", "email": "robin@example.org"},
        transcript=[
            services.TranscriptEntry(role=Role.USER, text="Hello"),
            services.TranscriptEntry(role=Role.BOT, text="How can I help?"),
        ],
    )
    handoff = services.start_handoff(bot=bot, request=request).handoff
    http.post(SESSIONS, json={"result": entry()})
    http.post(MESSAGES, json={"result": {"sys_id": "1" * 32}})

    relay.drain(to_servicenow(handoff).pk)

    question, transcript = bodies(http)
    assert question == "My door is jammed.\n\nFrom: Robin <robin@example.org>"
    assert transcript.splitlines()[1:] == ["User: Hello", "Bot: How can I help?"]


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (403, Reason.QUEUE_CLOSED),
        (404, Reason.NOT_ROUTED),
        (400, Reason.REJECTED),
        (503, Reason.QUEUE_CLOSED),
    ],
)
def test_a_refused_start_fails_the_handoff_with_its_reason(
    http, handoff, status, reason
):
    post(handoff, "one")
    http.post(SESSIONS, status=status, json={"result": "We are <b>closed</b> now."})

    relay.drain(to_servicenow(handoff).pk)

    handoff.refresh_from_db()
    final = Event.objects.get(handoff=handoff, type="handoff.failed")
    assert (handoff.state, handoff.reason) == ("failed", reason)
    assert events(handoff) == ["message.failed", "handoff.failed"]
    assert final.payload["data"]["final"] is True
    assert final.payload["data"]["detail"] == "We are closed now."


def test_a_handoff_ended_before_it_was_sent_never_reaches_servicenow(handoff):
    services.end_handoff(
        handoff_id=handoff.pk, bot=handoff.bot, reason=Reason.USER_LEFT
    )

    relay.drain(to_servicenow(handoff).pk)

    assert states(handoff) == ["failed"]
    assert events(handoff) == ["handoff.failed"]


def test_a_start_that_failed_after_the_end_is_not_tried_again(http, handoff):
    def refuse(request):
        services.end_handoff(handoff_id=handoff.pk, bot=handoff.bot)
        return 429, {}, "{}"

    http.add_callback("POST", SESSIONS, callback=refuse)
    relay.drain(to_servicenow(handoff).pk)
    Lane.objects.update(wake_at=now() - timedelta(seconds=1))
    ConnectionRuntime.objects.update(paused_until=None)

    relay.drain(to_servicenow(handoff).pk)

    assert len(http.calls) == 1
    assert states(handoff) == ["failed", "failed"]
    assert events(handoff) == ["handoff.failed"]


def test_a_lost_rest_of_the_question_is_told(http, bot):
    request = services.StartRequest(conversation_id="c", message="a" * 5_000)
    handoff = services.start_handoff(bot=bot, request=request).handoff
    http.post(SESSIONS, json={"result": entry(1)})
    http.post(MESSAGES, status=400, json=ENVELOPE)

    relay.drain(to_servicenow(handoff).pk)

    assert events(handoff) == ["handoff.queued", "message.failed"]
    assert handoff.messages.get().delivery == "failed"


def test_a_state_that_was_left_meanwhile_is_not_left_again(handoff):
    late = Handoff.objects.get()
    assert lifecycle.move_to(handoff, State.QUEUED, queued_at=now())

    assert not lifecycle.move_to(late, State.ACCEPTED, accepted_at=now())

    assert Handoff.objects.get().state == State.QUEUED


def test_a_repeat_whose_first_was_stored_a_moment_ago_is_a_repeat(bot):
    """The first is committed after the look for its id, before that for its chat."""
    request = services.StartRequest(conversation_id="c-8", message="Hi", id="r-8")
    stored: list[services.Started | None] = []

    def store_it(execute: Any, sql: str, *args: Any) -> Any:
        result = execute(sql, *args)
        if not stored and sql.startswith("SELECT"):
            stored.append(None)
            stored[0] = services.start_handoff(bot=bot, request=request)
        return result

    with connection.execute_wrapper(store_it):
        again = services.start_handoff(bot=bot, request=request)

    assert stored[0] is not None
    assert stored[0].created
    assert again == services.Started(handoff=stored[0].handoff, repeated=True)
