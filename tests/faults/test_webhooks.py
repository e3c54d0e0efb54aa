"""What a bot's webhook sees, on a real socket, while it is down, lame or lying."""

import email
import json
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from django.utils.timezone import now
from standardwebhooks import Webhook, WebhookVerificationError

from handoff import events, relay, services
from handoff.models import BotRuntime, Event, Handoff, SigningSecret
from handoff.relay.to_bot import SCHEDULE
from tests.processes import free_port
from tests.relay.conftest import drain_to_bot, to_bot
from tests.servicenow_auth.sockets import Server, answer, answering, serving

pytestmark = [pytest.mark.django_db, pytest.mark.real_http]

TAKEN = answering(answer(b"", status="204 No Content"))
BROKEN = answering(answer(b"", status="503 Service Unavailable"))


@dataclass(frozen=True)
class Attempt:
    """One call as the webhook saw it."""

    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        return self.headers["webhook-id"]

    @property
    def sent_at(self) -> int:
        return int(self.headers["webhook-timestamp"])

    @property
    def number(self) -> int:
        return int(json.loads(self.body)["data"]["number"])

    def is_signed_with(self, secret: str) -> bool:
        try:
            Webhook(secret).verify(self.body, self.headers)
        except WebhookVerificationError:
            return False
        return True


@contextmanager
def listening(behave: Any, *, port: int) -> Iterator[list[Attempt]]:
    """Let the webhook behave like that; the list is complete at the end."""
    attempts: list[Attempt] = []
    with serving(behave, port=port) as server:
        yield attempts
    for request in server.requests:
        head, _, body = request.partition(b"\r\n\r\n")
        _, _, lines = head.decode().partition("\r\n")
        headers = {k.lower(): v for k, v in email.message_from_string(lines).items()}
        attempts.append(Attempt(headers=headers, body=body))


@pytest.fixture
def port(settings) -> int:
    """Where the webhook listens, when it does."""
    port = free_port()
    settings.WEBHOOK_EXTRA_ORIGINS = [f"http://127.0.0.1:{port}"]
    return port


@pytest.fixture
def told(webhook_bot, running, port):
    """A handoff of which its bot is to be told three things."""
    webhook_bot.webhook_url = f"http://127.0.0.1:{port}/webhook"
    webhook_bot.save(update_fields=["webhook_url"])
    running.bot = webhook_bot
    for number in (1, 2, 3):
        events.emit(running, "message.created", {"number": number})
    return running


def drain(handoff: Handoff) -> None:
    relay.drain(to_bot(handoff).pk)


def states() -> list[str]:
    return list(Event.objects.order_by("sequence").values_list("state", flat=True))


def test_what_a_webhook_missed_while_it_was_down_arrives_in_order_under_the_same_id(
    told, port, monkeypatch
):
    clock = time.time
    drain(told)
    with listening(BROKEN, port=port) as refused:
        for minutes in (1, 2):
            monkeypatch.setattr(time, "time", lambda m=minutes: clock() + 60 * m)
            drain_to_bot(told)
            drain(told)
    monkeypatch.setattr(time, "time", lambda: clock() + 180)
    with listening(TAKEN, port=port) as taken:
        drain_to_bot(told)

    assert [attempt.number for attempt in refused + taken] == [1, 1, 1, 2, 3]
    assert {attempt.id for attempt in refused} == {taken[0].id}
    assert len({attempt.id for attempt in taken}) == 3
    first, second, last = (each.sent_at for each in [*refused, taken[0]])
    assert second - first >= 60
    assert last - second >= 60
    secret = SigningSecret.objects.get().value.reveal()
    assert all(attempt.is_signed_with(secret) for attempt in refused + taken)
    assert states() == ["sent"] * 3


def test_the_waits_for_a_webhook_that_is_down_grow_by_the_schedule(told):
    waits = []
    for _ in range(len(SCHEDULE) + 1):
        drain_to_bot(told)
        waits.append(BotRuntime.objects.get().webhook_paused_until - now())

    for wait, step in zip(waits, [*SCHEDULE, SCHEDULE[-1]], strict=True):
        assert step * 0.8 - timedelta(seconds=1) < wait <= step * 1.2
    assert states() == ["sending", "pending", "pending"]


def take_and_hang_up(server: Server, sock: socket.socket) -> None:
    """Deal with the first event, and reset the connection instead of answering."""
    if server.connections > 1:
        TAKEN(server, sock)
        return
    server.read(sock)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def test_an_event_whose_2xx_was_lost_comes_again_under_the_same_id(told, port):
    with listening(take_and_hang_up, port=port) as attempts:
        drain(told)
        drain_to_bot(told)

    assert [attempt.number for attempt in attempts] == [1, 1, 2, 3]
    by_id = {attempt.id: attempt.number for attempt in attempts}
    assert list(by_id.values()) == [1, 2, 3]


def test_a_redirect_is_not_followed_and_counts_as_a_failure(told, port):
    with serving(TAKEN) as elsewhere:
        moved = answer(
            b"", status="301 Moved", headers=f"Location: {elsewhere.url}\r\n"
        )
        with listening(answering(moved), port=port) as attempts:
            drain(told)

    assert elsewhere.connections == 0
    assert [attempt.number for attempt in attempts] == [1]
    event = Event.objects.get(sequence=1)
    assert (event.state, event.attempts) == ("sending", 1)


def dawdle(server: Server, sock: socket.socket) -> None:
    server.read(sock)
    server.drip(sock, b"HTTP/1.1 204 No Content\r\nX-Long: " + b"a" * 200)


def test_a_webhook_that_dawdles_is_left_at_the_deadline_and_told_again(
    told, port, settings
):
    settings.REQUEST_DEADLINE = timedelta(seconds=0.4)
    began = time.monotonic()
    with listening(dawdle, port=port) as left:
        drain(told)
        took = time.monotonic() - began
    with listening(TAKEN, port=port) as taken:
        drain_to_bot(told)

    assert 0.3 < took < 1.5
    assert [attempt.number for attempt in left + taken] == [1, 1, 2, 3]
    assert left[0].id == taken[0].id


def test_in_a_rotation_either_secret_is_accepted_and_afterwards_only_the_new(
    told, port
):
    secrets = SigningSecret.objects.filter(purpose=SigningSecret.Purpose.WEBHOOK)
    old = secrets.get().value.reveal()
    first, second, third = Event.objects.order_by("sequence")
    Event.objects.exclude(pk=first.pk).delete()
    with listening(TAKEN, port=port) as attempts:
        drain(told)
        new = services.new_signing_secret(
            bot=told.bot, purpose=SigningSecret.Purpose.WEBHOOK
        ).reveal()
        second.save(force_insert=True)
        drain_to_bot(told)
        secrets.exclude(expires_at=None).update(expires_at=now())
        third.save(force_insert=True)
        drain_to_bot(told)

    accepted = [(a.is_signed_with(old), a.is_signed_with(new)) for a in attempts]
    assert accepted == [(True, False), (True, True), (False, True)]
