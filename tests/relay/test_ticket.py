"""Where no agent comes, an incident: once, and its number in the one final event."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils.timezone import now

from handoff import services
from handoff.models import Event, Handoff, Lane, Outgoing
from handoff.models.bot import Bot, WithoutAgent
from handoff.models.handoff import Reason
from handoff.relay import watching
from tests.relay.agent_chat import call_back, final, pass_time, text
from tests.relay.conftest import (
    ENVELOPE,
    HOST,
    LEAVE,
    SESSIONS,
    VIRTUAL_AGENT,
    drain,
    entry,
    events,
    let_go,
    states,
)
from tests.relay.reading_back import settle
from tests.relay.tickets import INCIDENTS, TICKET, create, incident, sent_body

pytestmark = pytest.mark.django_db

KNOWN = "2" * 32


@pytest.fixture
def bot(bot: Bot) -> Bot:
    bot.without_agent = WithoutAgent.INCIDENT
    bot.assignment_group = "9" * 32
    bot.save()
    return bot


@pytest.fixture
def given_up(running: Handoff) -> Handoff:
    """Nobody took it for so long that the watch ended it."""
    Handoff.objects.update(created_at=now() - timedelta(minutes=31))
    watching.watch()
    running.refresh_from_db()
    assert (running.state, running.reason) == ("failed", "wait_timeout")
    return running


def be_overdue(**time: float) -> None:
    Handoff.objects.filter(final_due_at__isnull=False).update(
        final_due_at=now() - timedelta(**time)
    )
    watching.watch()


def test_the_final_event_waits_for_the_incident_and_names_it(http, given_up):
    assert events(given_up) == []
    let_go(http)
    create(http, status=201, json={"result": incident(given_up)})

    drain(given_up)

    assert states(given_up) == ["sent", "sent", "sent"]
    assert events(given_up) == ["handoff.failed"]
    assert final(given_up)["ticket"] == given_up.ticket == TICKET
    assert final(given_up)["reason"] == "wait_timeout"
    assert sent_body(http)["correlation_id"] == str(given_up.pk)
    assert sent_body(http)["assignment_group"] == "9" * 32


@pytest.mark.parametrize(
    ("status", "reason"), [(403, "queue_closed"), (404, "not_routed")]
)
def test_a_closed_queue_asks_for_an_incident_and_a_mistake_does_not(
    http, handoff, status, reason
):
    http.post(SESSIONS, status=status, json={"result": "We are closed now."})
    closed = reason == "queue_closed"
    if closed:
        create(http, status=201, json={"result": incident(handoff)})

    drain(handoff)

    told = final(handoff)
    assert (told["reason"], told["detail"]) == (reason, "We are closed now.")
    assert told["ticket"] == (TICKET if closed else None)


def test_agent_chat_without_an_agent_makes_an_incident(http, chat):
    chat.bot.without_agent = WithoutAgent.INCIDENT
    chat.bot.save()
    call_back(chat, text("There are no agents available right now."))
    pass_time(chat, seconds=4)
    assert events(chat) == []
    http.post(VIRTUAL_AGENT, json={"status": "success"})
    create(http, status=201, json={"result": incident(chat)})

    drain(chat)

    assert final(chat)["reason"] == Reason.NO_AGENT_AVAILABLE
    assert final(chat)["ticket"] == TICKET


def test_the_bot_may_take_it_back_itself(running):
    Bot.objects.update(without_agent=WithoutAgent.BOT)
    Handoff.objects.update(created_at=now() - timedelta(minutes=31))

    watching.watch()

    assert final(running)["ticket"] is None
    assert not Outgoing.objects.filter(kind="ticket").exists()


@pytest.mark.parametrize("reason", [Reason.USER_LEFT, Reason.BOT_ENDED])
def test_nobody_who_goes_by_himself_leaves_an_incident(running, reason):
    services.end_handoff(handoff_id=running.pk, bot=running.bot, reason=reason)

    assert final(running)["ticket"] is None


def test_who_leaves_while_the_incident_is_made_changes_nothing(http, given_up):
    again = services.end_handoff(
        handoff_id=given_up.pk, bot=given_up.bot, reason=Reason.USER_LEFT
    )
    let_go(http)
    create(http, status=201, json={"result": incident(given_up)})

    drain(given_up)

    assert again.reason == "wait_timeout"
    assert final(given_up)["ticket"] == TICKET


def test_a_refused_incident_is_told_with_the_reason(http, given_up):
    let_go(http)
    create(http, status=403, json=ENVELOPE)

    drain(given_up)

    assert states(given_up)[-1] == "failed"
    assert final(given_up)["ticket"] is None
    assert final(given_up)["detail"] == "No incident: ServiceNow answered 403: no"


def test_the_final_event_waits_so_long_and_the_incident_follows(http, given_up):
    let_go(http, status=429, headers={"Retry-After": "600"})
    drain(given_up)
    watching.watch()
    assert events(given_up) == []

    be_overdue(seconds=1)
    be_overdue(seconds=1)
    assert events(given_up) == ["handoff.failed"]
    assert final(given_up)["ticket"] is None
    assert "it follows" in final(given_up)["detail"]

    given_up.bot.connection.runtime.paused_until = None
    given_up.bot.connection.runtime.save()
    http.post(LEAVE, json={"result": entry(8)})
    create(http, status=201, json={"result": incident(given_up)})
    drain(given_up)

    assert events(given_up) == ["handoff.failed"]
    assert given_up.ticket == TICKET


def test_no_final_event_is_lost_with_the_worker_that_was_to_send_it(http, given_up):
    """All that is left of a worker that died is what the database holds."""
    assert Lane.objects.filter(handoff=given_up, wake_at__lte=now()).exists()
    assert not Event.objects.exists()

    be_overdue(minutes=1)

    assert events(given_up) == ["handoff.failed"]


def test_one_that_a_restored_database_forgot_is_not_created_again(http, given_up):
    let_go(http)
    http.get(INCIDENTS, json={"result": [{"sys_id": KNOWN}, incident(given_up)]})

    drain(given_up)

    assert final(given_up)["ticket"] == TICKET


def test_where_incidents_may_not_be_read_one_is_created(http, given_up):
    let_go(http)
    http.get(INCIDENTS, status=403, json=ENVELOPE)
    http.post(INCIDENTS, status=201, json={"result": incident(given_up)})

    drain(given_up)

    assert final(given_up)["ticket"] == TICKET


def test_none_is_created_while_it_cannot_be_asked_for(http, given_up):
    let_go(http)
    http.get(INCIDENTS, status=502, body="<html>")

    drain(given_up)

    assert states(given_up)[-1] == "pending"


# --- Of unknown outcome --------------------------------------------------------------


@pytest.fixture
def unclear(http: Any, given_up: Handoff) -> Handoff:
    """The incident was asked for, and the answer was lost."""
    let_go(http)
    create(http, status=502, body="<html>")
    drain(given_up)
    http.remove("GET", INCIDENTS)
    assert states(given_up)[-1] == "sending"
    return given_up


@pytest.fixture
def known(unclear: Handoff) -> Handoff:
    """An earlier handoff's incident, by which a read can be judged."""
    url = f"{HOST}/incident.do?sys_id={KNOWN}"
    return Handoff.objects.create(
        bot=unclear.bot,
        conversation_id="c-0",
        state="failed",
        reason="wait_timeout",
        ended_by="system",
        ended_at=now(),
        ticket={"number": "INC1", "sys_id": KNOWN, "url": url},
    )


def test_an_incident_that_is_there_is_not_created_again(http, unclear):
    twice = [incident(unclear), incident(unclear, "3" * 32)]
    http.get(INCIDENTS, json={"result": twice})

    drain(unclear)

    assert final(unclear)["ticket"] == TICKET
    assert Outgoing.objects.get(kind="ticket").duplicates == ["3" * 32]
    query = http.calls[-1].request.params["sysparm_query"]
    assert query == f"correlation_id={unclear.pk}^ORDERBYsys_created_on"


def test_one_that_is_not_there_is_created_when_it_can_no_longer_come(
    http, unclear, known
):
    http.get(INCIDENTS, json={"result": [incident(known, KNOWN)]})
    drain(unclear)
    assert states(unclear)[-1] == "sending"

    settle()
    http.post(INCIDENTS, status=201, json={"result": incident(unclear)})
    drain(unclear)

    assert final(unclear)["ticket"] == TICKET


@pytest.mark.parametrize("shown", [[], [{"sys_id": "8" * 32}]])
def test_a_read_that_shows_no_incident_of_ours_proves_nothing(
    http, unclear, known, shown
):
    settle()
    http.get(INCIDENTS, json={"result": shown})

    drain(unclear)

    assert states(unclear)[-1] == "sending"
    assert http.calls[-1].request.method == "GET"


def test_the_first_incident_of_all_is_not_repeated_on_a_guess(http, unclear):
    settle()
    http.get(INCIDENTS, json={"result": []})

    drain(unclear)

    assert states(unclear)[-1] == "sending"
    assert http.calls[-1].request.method == "GET"
    assert "no other one yet" in Outgoing.objects.get(kind="ticket").last_error


def test_an_incident_on_another_instance_proves_nothing(http, unclear, known):
    url = "https://dev2.service-now.com/incident.do?sys_id=2"
    Handoff.objects.filter(pk=known.pk).update(ticket=known.ticket | {"url": url})
    settle()
    http.get(INCIDENTS, json={"result": [incident(known, KNOWN)]})

    drain(unclear)

    assert states(unclear)[-1] == "sending"
    assert http.calls[-1].request.method == "GET"
