import json
from contextlib import ExitStack, suppress
from datetime import timedelta
from email.utils import format_datetime

import pytest
import requests
from django.db import transaction
from django.db.transaction import TransactionManagementError
from django.utils.timezone import now
from standardwebhooks import Webhook

from handoff import events, relay, services
from handoff.exceptions import BotUnavailable
from handoff.models import BotRuntime, Event, SigningSecret
from handoff.relay import lanes, leases, recording
from handoff.relay.to_bot import open_route
from tests.relay.conftest import WEBHOOK, drain_to_bot, to_bot

pytestmark = pytest.mark.django_db


@pytest.fixture
def told(webhook_bot, running):
    """A handoff of a bot with a webhook, and two events for it."""
    running.bot = webhook_bot
    for number in (1, 2):
        events.emit(running, "message.created", {"number": number})
    return running


def test_events_go_in_order_signed_for_an_independent_verifier(http, told):
    http.post(WEBHOOK, status=204)
    http.post(WEBHOOK, status=200)

    relay.drain(to_bot(told).pk)

    secret = SigningSecret.objects.get().value.reveal()
    bodies = [
        Webhook(secret).verify(call.request.body, dict(call.request.headers))
        for call in http.calls
    ]
    assert [body["data"]["number"] for body in bodies] == [1, 2]
    assert [body["sequence"] for body in bodies] == [1, 2]
    assert set(Event.objects.values_list("state", flat=True)) == {"sent"}


def test_during_a_rotation_both_secrets_sign(http, told):
    old = SigningSecret.objects.get().value.reveal()
    new = services.new_signing_secret(
        bot=told.bot, purpose=SigningSecret.Purpose.WEBHOOK
    ).reveal()
    http.post(WEBHOOK, status=204)
    http.post(WEBHOOK, status=204)

    relay.drain(to_bot(told).pk)

    request = http.calls[0].request
    for secret in (old, new):
        assert Webhook(secret).verify(request.body, dict(request.headers))


@pytest.mark.parametrize(
    "answer",
    [
        {"status": 500},
        {"status": 429},
        {"body": requests.ConnectionError()},
        {"body": requests.ReadTimeout()},
    ],
)
def test_a_sick_endpoint_pauses_the_webhook_and_costs_no_attempt(http, told, answer):
    http.post(WEBHOOK, **answer)

    relay.drain(to_bot(told).pk)

    first = Event.objects.order_by("feed_sequence").first()
    assert (first.attempts, first.state) == (0, "sending")
    runtime = BotRuntime.objects.get()
    assert runtime.webhook_paused_until > now() + timedelta(seconds=3)
    assert to_bot(told).stalled_reason == "webhook_unavailable"


def test_a_paused_webhook_is_not_called_for_another_lane_either(told):
    ends_at = now() + timedelta(minutes=10)
    BotRuntime.objects.update(webhook_paused_until=ends_at)

    relay.drain(to_bot(told).pk)

    lane = to_bot(told)
    assert (lane.stalled_reason, lane.wake_at) == ("webhook_unavailable", ends_at)


def test_a_repeated_attempt_carries_the_same_id(http, told):
    http.post(WEBHOOK, status=500)
    http.post(WEBHOOK, status=204)
    http.post(WEBHOOK, status=204)

    relay.drain(to_bot(told).pk)
    drain_to_bot(told)

    ids = [call.request.headers["webhook-id"] for call in http.calls]
    assert ids[0] == ids[1] != ids[2]
    assert BotRuntime.objects.get().webhook_failures == 0


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize("as_date", [False, True])
def test_a_bots_own_wait_is_honoured(http, told, status, as_date):
    moment = format_datetime(now() + timedelta(seconds=120), usegmt=True)
    headers = {"Retry-After": moment if as_date else "120"}
    http.post(WEBHOOK, status=status, headers=headers)

    relay.drain(to_bot(told).pk)

    wait = BotRuntime.objects.get().webhook_paused_until - now()
    assert timedelta(seconds=110) < wait < timedelta(seconds=121)


@pytest.mark.parametrize("status", [301, 400, 404])
def test_a_refused_event_is_given_up_after_five_tries_and_the_next_goes(
    http, told, status
):
    for _ in range(5):
        http.post(WEBHOOK, status=status, headers={"Location": "https://evil.example"})
    http.post(WEBHOOK, status=204)

    relay.drain(to_bot(told).pk)
    for _ in range(4):
        drain_to_bot(told)

    ordered = Event.objects.order_by("feed_sequence")
    assert list(ordered.values_list("state", flat=True)) == ["failed", "sent"]
    assert {call.request.url for call in http.calls} == {WEBHOOK}


def test_410_switches_the_webhook_off_and_the_feed_goes_on(http, told):
    http.post(WEBHOOK, status=410)

    relay.drain(to_bot(told).pk)
    event = events.emit(told, "message.created", {"number": 3})

    assert BotRuntime.objects.get().webhook_disabled_at is not None
    assert len(http.calls) == 1
    assert Event.objects.filter(type="webhook.disabled").count() == 1
    assert event.state == "sent"
    numbers = Event.objects.order_by("feed_sequence").values_list("feed_sequence")
    assert [number for (number,) in numbers] == [1, 2, 3, 4]


def test_a_webhook_that_was_switched_off_can_be_switched_on(http, told):
    http.post(WEBHOOK, status=410)
    relay.drain(to_bot(told).pk)

    services.switch_webhook_on(bot=told.bot)
    events.emit(told, "message.created", {"number": 3})
    http.post(WEBHOOK, status=204)
    relay.drain(to_bot(told).pk)

    assert json.loads(http.calls[1].request.body)["data"] == {"number": 3}


def test_an_event_is_given_up_after_three_days_of_a_dead_webhook(http, told):
    http.post(WEBHOOK, status=500)
    relay.drain(to_bot(told).pk)
    Event.objects.filter(feed_sequence=1).update(created_at=now() - timedelta(hours=73))
    http.post(WEBHOOK, status=204)

    drain_to_bot(told)

    ordered = Event.objects.order_by("feed_sequence")
    assert list(ordered.values_list("state", flat=True)) == ["failed", "sent"]


def test_an_event_of_a_worker_that_died_is_sent_again(http, told):
    Event.objects.filter(feed_sequence=1).update(state="sending", attempts=1)
    http.post(WEBHOOK, status=204)
    http.post(WEBHOOK, status=204)

    relay.drain(to_bot(told).pk)

    sent = [json.loads(call.request.body)["feed_sequence"] for call in http.calls]
    assert sent == [1, 2]


def test_texts_follow_the_handoffs_language(running):
    running.bot.texts = {"handoff.queued": {"de": "Bitte warten", "default": "Wait"}}
    for language, text in (("de-AT", "Bitte warten"), ("fr", "Wait")):
        running.language = language
        event = events.emit(running, "handoff.queued", {})
        assert event.payload["data"]["text"] == text
    assert events.emit(running, "handoff.ended", {}).payload["data"]["text"] is None


def test_one_trouble_met_by_many_lanes_counts_once(http, webhook_bot):
    http.post(WEBHOOK, status=503)
    handoffs = []
    for number in range(8):
        request = services.StartRequest(conversation_id=f"n{number}", message="Hi")
        started = services.start_handoff(bot=webhook_bot, request=request).handoff
        events.emit(started, "handoff.queued", {})
        handoffs.append(started)
    taken = [leases.claim(to_bot(started).pk) for started in handoffs]
    with ExitStack() as stack:
        work = []
        for lease in taken:
            route = stack.enter_context(open_route(lease.lane))
            work.append((lease, route, lanes.advance(lease, route, None)))
        for lease, route, item in work:
            error = BotUnavailable("The webhook answered 503.")
            done = recording.Done(result=None, error=error, started_at=now())
            lanes.advance(lease, route, recording.Step(item, done, more=True))

    drain_to_bot(handoffs[0])

    runtime = BotRuntime.objects.get()
    assert runtime.webhook_failures == 2
    assert runtime.webhook_paused_until < now() + timedelta(minutes=1)


def test_a_url_that_was_cleared_does_not_switch_the_next_one_off(told):
    told.bot.webhook_url = ""
    told.bot.save()

    relay.drain(to_bot(told).pk)

    assert BotRuntime.objects.get().webhook_disabled_at is None


def test_who_left_by_himself_is_not_told_that_nobody_came(running):
    running.bot.texts = {"handoff.failed": {"default": "Sorry, nobody is free."}}
    running.bot.save()

    services.end_handoff(handoff_id=running.pk, bot=running.bot)

    final = Event.objects.get(type="handoff.failed")
    assert final.payload["data"]["text"] is None


def test_what_was_told_of_the_wait_ends_with_it(running):
    running.position, running.wait_text, running.wait_seconds = 3, "1 Minute", 60
    running.save()

    services.end_handoff(handoff_id=running.pk, bot=running.bot)

    running.refresh_from_db()
    assert (running.position, running.wait_text) == (None, "")


@pytest.mark.both_databases
@pytest.mark.django_db(transaction=True)
def test_no_ring_comes_before_its_event(webhook_bot, running, monkeypatch):
    """Not outside a transaction either, where PostgreSQL lets nothing be told."""
    running.bot, stored = webhook_bot, []

    def count(*args, **kwargs):
        stored.append(Event.objects.count())

    monkeypatch.setattr("celery.app.base.Celery.send_task", count)
    with suppress(TransactionManagementError):
        events.emit(running, "handoff.wait_time.updated", {})
    with transaction.atomic():
        events.emit(running, "handoff.wait_time.updated", {})

    assert stored == [1]
