"""After a webhook's pause one lane goes first, and the others wait for its answer."""

from contextlib import ExitStack
from datetime import timedelta

import pytest
from django.utils.timezone import now

from handoff import events, relay, services
from handoff.models import BotRuntime, Lane
from handoff.relay import lanes, leases, recording
from handoff.relay.to_bot import open_route
from tests.relay.conftest import WEBHOOK, to_bot

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db]


@pytest.fixture
def told(webhook_bot, running):
    """A handoff of a bot with a webhook, and an event for it."""
    running.bot = webhook_bot
    events.emit(running, "message.created", {})
    return running


def two_lanes(told) -> list[Lane]:
    """Return the lanes of two handoffs whose webhook's pause is over."""
    request = services.StartRequest(conversation_id="c-2", message="Hello?")
    other = services.start_handoff(bot=told.bot, request=request).handoff
    events.emit(other, "handoff.queued", {})
    BotRuntime.objects.update(
        webhook_paused_until=now() - timedelta(seconds=1), webhook_failures=1
    )
    return [to_bot(told), to_bot(other)]


def test_after_a_pause_one_lane_goes_first(told):
    lanes_of_both = two_lanes(told)
    with ExitStack() as stack:
        routes = [stack.enter_context(open_route(lane)) for lane in lanes_of_both]
        first, second = [route.hold(route.head()) for route in routes]

    assert first is None
    assert second.reason == "webhook_unavailable"
    assert BotRuntime.objects.get().webhook_pause_ends_at == second.until


@pytest.mark.parametrize("status", [204, 404])
def test_any_answer_to_the_first_lets_the_others_go(
    http, told, status, django_capture_on_commit_callbacks
):
    lane, other = two_lanes(told)
    wait = {"stalled_reason": "webhook_unavailable"}
    Lane.objects.filter(pk=other.pk).update(wake_at=now() + timedelta(hours=1), **wait)
    http.post(WEBHOOK, status=status)

    lease = leases.claim(lane.pk)
    with (
        django_capture_on_commit_callbacks(execute=True),
        open_route(lease.lane) as route,
    ):
        task = lanes.advance(lease, route, None)
        done = lanes._attempt(lease, route, task)
        lanes.advance(lease, route, recording.Step(task, done, more=False))

    assert BotRuntime.objects.get().webhook_paused_until is None
    other.refresh_from_db()
    assert other.wake_at <= now()


def test_the_first_in_vain_pauses_for_longer(http, told):
    lane, _ = two_lanes(told)
    http.post(WEBHOOK, status=503)

    relay.drain(lane.pk)

    runtime = BotRuntime.objects.get()
    assert runtime.webhook_failures == 2
    assert runtime.webhook_paused_until > now() + timedelta(seconds=23)
