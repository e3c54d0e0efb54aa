"""What a lane to ServiceNow makes of refusals, drips, poison and bad moments."""

import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import connection
from django.db.models import F
from django.db.models.functions import Now

from handoff import relay
from handoff.events import emit
from handoff.failpoints import Point
from handoff.models import Event, Lane, Outgoing
from handoff.models.lane import Direction
from handoff.relay.due import sweep
from handoff.relay.to_bot import ToBot
from servicenow_auth import services as auth
from servicenow_auth.fields import Secret
from servicenow_auth.models import AuthorizationType, Connection, ConnectionRuntime
from tests.faults.chat import open_chat
from tests.faults.traps import Gate, Killed, die, trap
from tests.relay.conftest import (
    MESSAGES,
    WEBHOOK,
    events,
    message,
    post,
    states,
    to_bot,
    to_servicenow,
)
from tests.sandbox.oauth import Application
from tests.servicenow_auth.sockets import answer, serving

A_MOMENT = 0.2


def authorize(connection: Connection, application: Application) -> None:
    """Give the connection tokens of the application, as an administrator would."""
    auth.configure(
        connection,
        host_url=connection.host_url,
        authorization_type=AuthorizationType.OAUTH,
        user_name="",
        client_id=application.credentials["client_id"],
        client_secret=application.credentials["client_secret"],
        refresh_token=application.password_grant()["refresh_token"],
    )
    connection.refresh_from_db()
    auth.who_am_i(connection)


@pytest.fixture
def authorized(impatient, instance, sandbox_bot):
    """A chat of a connection that is authorized by OAuth."""
    application = Application.register(instance)
    authorize(sandbox_bot.connection, application)
    return open_chat(instance, sandbox_bot), application


@pytest.mark.real_http
@pytest.mark.django_db
def test_a_401_costs_one_refresh_and_one_more_try(authorized):
    chat, _ = authorized
    tokens = chat.instance.calls(path="/oauth_token.do")["count"]
    chat.instance.switch(fault_revoked_token=100, fault_revoked_token_seconds=600)
    chat.say("one", "two")

    chat.drain()

    assert chat.seen() == ["one", "two"]
    assert [call["status"] for call in chat.posts(3)] == [401, 200, 200]
    assert chat.instance.calls(path="/oauth_token.do")["count"] == tokens + 1


@pytest.mark.real_http
@pytest.mark.django_db
def test_without_authorization_all_is_kept_and_goes_in_order_after_the_next(
    authorized, django_capture_on_commit_callbacks
):
    chat, application = authorized
    connection = chat.handoff.bot.connection
    runtime = ConnectionRuntime.objects.get(connection=connection)
    runtime.access_token = runtime.refresh_token = Secret("revoked")
    runtime.save()
    chat.say("one", "two")
    chat.drain()
    runtime.refresh_from_db()
    assert runtime.state == "needs_reauthorization"
    chat.say("three")
    chat.drain()
    assert chat.states == ["pending"] * 3

    with django_capture_on_commit_callbacks(execute=True):
        authorize(connection, application)
    relay.drain(to_servicenow(chat.handoff).pk)

    assert chat.seen() == ["one", "two", "three"]
    assert chat.states == ["sent"] * 3


@pytest.mark.real_http
@pytest.mark.django_db
def test_an_answer_that_trickles_is_cut_at_its_deadline_and_within_the_lease(
    running, impatient, settings
):
    whole = answer(b'{"result": {}}')
    with serving(
        lambda server, sock: drip(server, sock, whole, settings.REQUEST_DEADLINE)
    ) as server:
        settings.SERVICENOW_EXTRA_ORIGINS = [server.url]
        Connection.objects.update(host_url=server.url)
        post(running, "one")
        began = time.monotonic()

        relay.drain(to_servicenow(running).pk)

        held = time.monotonic() - began
    deadline = settings.REQUEST_DEADLINE.total_seconds()
    assert deadline <= held < deadline + 1
    assert states(running)[1:] == ["sending"]
    assert to_servicenow(running).lease_until is None


def drip(server, sock: socket.socket, whole: bytes, deadline: timedelta) -> None:
    while server.read(sock):
        server.drip(sock, whole, pause=deadline.total_seconds() / 2)


@pytest.mark.both_databases
@pytest.mark.django_db(transaction=True)
def test_what_is_posted_when_the_lane_has_decided_to_sleep_wakes_it(http, running):
    http.add_callback("POST", MESSAGES, callback=take)
    post(running, "one")
    gate = Gate()
    with ThreadPoolExecutor(2) as pool, trap(Point.NONE_LEFT, gate.hold):
        drain = pool.submit(in_thread, relay.drain, to_servicenow(running).pk)
        gate.wait()
        late = pool.submit(in_thread, post, running, "late")
        time.sleep(A_MOMENT)
        assert not late.done()
        gate.open()
        drain.result()
        late.result()

    assert sweep() == 1
    relay.drain(to_servicenow(running).pk)
    assert states(running)[1:] == ["sent", "sent"]


def take(request):
    return 200, {}, json.dumps({"result": {"sys_id": uuid4().hex}})


def in_thread(call, *args):
    try:
        return call(*args)
    finally:
        connection.close()


def end_leases_and_waits() -> None:
    earlier = Now() - timedelta(seconds=1)
    Lane.objects.filter(wake_at__isnull=False).update(wake_at=earlier, lease_until=None)
    Outgoing.objects.update(attempt_started_at=F("attempt_started_at") - timedelta(90))


@pytest.mark.django_db
def test_a_message_that_kills_every_worker_is_failed_after_its_attempts(http, running):
    http.get(MESSAGES, json={"result": [message("0" * 32, "My door is jammed.")]})
    Outgoing.objects.filter(kind="start").update(sys_id="0" * 32)
    post(running, "poison", "good")
    lane = to_servicenow(running)
    deaths = 0
    with trap(Point.AFTER_INTENT, die, direction=Direction.TO_SERVICENOW):
        while Outgoing.objects.get(text="poison").state != "failed":
            with pytest.raises(Killed):
                relay.drain(lane.pk)
            deaths += 1
            end_leases_and_waits()

    http.post(MESSAGES, json={"result": {"sys_id": "2" * 32}})
    relay.drain(lane.pk)

    # The last one died of the next message, which the trap does not spare.
    assert deaths == 20 + 1
    assert states(running)[1:] == ["failed", "sent"]
    assert events(running) == ["message.failed", "message.delivered"]


@pytest.mark.django_db
def test_an_event_that_kills_every_worker_is_failed_after_its_attempts(
    http, webhook_bot, running
):
    running.bot = webhook_bot
    for number in (1, 2):
        emit(running, "message.created", {"number": number})
    lane = to_bot(running)
    poison, good = Event.objects.order_by("sequence")
    with trap(Point.AFTER_INTENT, die, direction=Direction.TO_BOT):
        while poison.state != "failed":
            with pytest.raises(Killed):
                relay.drain(lane.pk)
            end_leases_and_waits()
            poison.refresh_from_db()

    http.post(WEBHOOK, status=204)
    relay.drain(lane.pk)

    assert json.loads(http.calls[0].request.body)["id"] == str(good.pk)
    assert poison.attempts == ToBot.max_attempts


@pytest.mark.real_http
@pytest.mark.django_db
def test_where_reads_are_hidden_an_unknown_outcome_is_held_until_they_are_not(chat):
    chat.instance.switch(fault_502_before=100)
    chat.say("one", "two")
    chat.drain()
    chat.instance.switch(fault_502_before=0, fault_hidden_own=100)
    time.sleep(2.1)  # an attempt can be applied no longer

    chat.drain_until(lambda: to_servicenow(chat.handoff).stalled_reason == "unreadable")
    chat.drain()
    assert (chat.states, chat.seen()) == (["sending", "pending"], [])

    chat.instance.switch(fault_hidden_own=0)
    chat.drain_until_settled()
    assert chat.seen() == ["one", "two"]
