"""A host's clock may be ten minutes wrong: what must not overlap goes by another."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, tzinfo
from typing import Self

import pytest
from django.db.models import F
from django.db.models.functions import Now
from django.utils import timezone

from handoff import relay
from handoff.models import Lane, Outgoing
from handoff.relay import leases
from handoff.relay.due import sweep
from servicenow_auth import tokens
from tests.relay.conftest import (
    ENVELOPE,
    MESSAGES,
    message,
    post,
    states,
    to_servicenow,
)
from tests.servicenow_auth.conftest import oauth
from tests.servicenow_auth.token_endpoint import give, hold

__all__ = ["oauth"]

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db]

TEN = 10
APART = [(-TEN, 0), (TEN, 0), (0, TEN), (0, -TEN)]


@contextmanager
def clock_ahead(minutes: int) -> Iterator[None]:
    """Let this process, and not the database, believe in another time."""
    shift = timedelta(minutes=minutes)
    right = time.time

    class Wrong(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Self:
            return super().now(tz) + shift

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(timezone, "datetime", Wrong)
        patch.setattr(time, "time", lambda: right() + shift.total_seconds())
        yield


@pytest.mark.parametrize(("owners", "others"), APART)
def test_a_lease_that_lasts_is_nobody_elses(running, owners, others):
    post(running, "one")
    lane = to_servicenow(running)
    with clock_ahead(owners):
        first = leases.claim(lane.pk)

    with clock_ahead(others):
        assert sweep() == 0
        assert leases.claim(lane.pk) is None

    Lane.objects.filter(pk=lane.pk).update(lease_until=Now() - timedelta(seconds=1))
    with clock_ahead(others):
        assert sweep() == 1
        assert leases.claim(lane.pk).fence > first.fence


@pytest.mark.parametrize(("senders", "readers"), APART)
def test_a_message_is_sent_again_when_it_no_longer_can_arrive_and_not_earlier(
    http, running, senders, readers
):
    Outgoing.objects.filter(kind="start").update(sys_id="0" * 32)
    http.get(MESSAGES, json={"result": [message("0" * 32, "My door is jammed.")]})
    http.post(MESSAGES, status=502, body="<html>")
    post(running, "one")
    with clock_ahead(senders):
        relay.drain(to_servicenow(running).pk)

    with clock_ahead(readers):
        drain_again(running, after=timedelta(seconds=85))
        assert states(running)[1:] == ["sending"]
        http.post(MESSAGES, json={"result": {"sys_id": "1" * 32}})
        drain_again(running, after=timedelta(seconds=6))

    assert states(running)[1:] == ["sent"]


def drain_again(handoff, *, after: timedelta) -> None:
    Outgoing.objects.filter(state="sending").update(
        attempt_started_at=F("attempt_started_at") - after
    )
    earlier = Now() - timedelta(seconds=1)
    Lane.objects.filter(pk=to_servicenow(handoff).pk).update(wake_at=earlier)
    relay.drain(to_servicenow(handoff).pk)


@pytest.mark.parametrize(("senders", "readers"), APART)
def test_the_first_look_comes_as_soon(http, running, senders, readers):
    http.post(MESSAGES, status=502, body="<html>")
    http.get(MESSAGES, json={"result": []})
    post(running, "one")
    with clock_ahead(senders):
        relay.drain(to_servicenow(running).pk)
    with clock_ahead(readers):
        drain_again(running, after=timedelta(seconds=2))

    waits = to_servicenow(running).wake_at - timezone.now()
    assert timedelta(seconds=1) < waits < timedelta(seconds=9)


@pytest.mark.parametrize(
    ("left", "ahead", "due"), [(700, TEN, False), (100, -TEN, True), (-10, -TEN, True)]
)
def test_a_token_is_refreshed_in_time_and_not_before(http, oauth, left, ahead, due):
    hold(oauth, left=left)
    if due:
        give(http, "next")

    with clock_ahead(ahead):
        granted = tokens.grant(oauth)

    assert granted.header == ("Bearer next" if due else "Bearer held")


@pytest.mark.parametrize("ahead", [TEN, -TEN])
def test_a_pause_lasts_as_long_as_servicenow_asked_for(http, running, ahead):
    asked = {"Retry-After": "60"}
    http.post(MESSAGES, status=429, json=ENVELOPE, headers=asked)
    post(running, "one")
    relay.drain(to_servicenow(running).pk)

    with clock_ahead(ahead):
        drain_again(running, after=timedelta(0))

    assert len(http.calls) == 1
    assert to_servicenow(running).stalled_reason == "throttled"
