"""What never answers holds its share of a worker, and slows nobody else."""

import json
import socket
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import connection, transaction
from django.utils.timezone import now

from handoff import doorbell, events, services, tasks
from handoff.models import Bot, Event, Handoff, Lane, Outgoing, SigningSecret
from handoff.models.lane import Direction
from servicenow_auth import services as auth
from servicenow_auth.models import AuthorizationType, ConnectionRuntime, State
from tests.end_to_end.stage import eventually
from tests.relay.conftest import QUEUE, entry
from tests.servicenow_auth.sockets import Server, answer, serving

pytestmark = [pytest.mark.real_http, pytest.mark.django_db(transaction=True)]
THREADS = 4
HEALTHY = 50


class Worker:
    """Runs what is rung for in so many threads, first come, first served."""

    def __init__(self) -> None:
        self.pool = ThreadPoolExecutor(THREADS)
        self.rung: list[Future[None]] = []

    def ring(self, task: str, *args: Any, **_: Any) -> None:
        self.rung.append(self.pool.submit(self._run, task, *args))

    def _run(self, task: str, *args: Any) -> None:
        try:
            getattr(tasks, task)(*args)
        finally:
            connection.close()


@pytest.fixture
def worker(settings, monkeypatch) -> Iterator[Worker]:
    settings.WORKER_CONCURRENCY = THREADS
    settings.REQUEST_DEADLINE = timedelta(seconds=30)
    worker = Worker()
    monkeypatch.setattr(doorbell, "ring", worker.ring)
    yield worker
    worker.pool.shutdown(cancel_futures=True)


@pytest.fixture
def silent(worker) -> Iterator[Server]:
    """A server that reads and never answers; it ends before the worker does."""

    def behave(server: Server, sock: socket.socket) -> None:
        sock.settimeout(60)
        server.read(sock)
        server.stopping.wait()

    with serving(behave) as server:
        yield server


@pytest.fixture
def healthy() -> Iterator[Server]:
    """An instance and a webhook at once, which answers each connection alike."""

    def behave(server: Server, sock: socket.socket) -> None:
        number = next(numbers)
        row = entry(sys_id=f"{number:032x}", group=f"{number + 1:032x}")
        while server.read(sock):
            sock.sendall(answer(json.dumps({"result": row}).encode()))

    numbers = iter(range(0, 10_000, 2))
    with serving(behave) as server:
        yield server


def make_bot(name: str, server: Server) -> Bot:
    group = Group.objects.create(name=name)
    its = auth.create_connection(owner_group=group)
    auth.configure(
        its,
        host_url=server.url,
        authorization_type=AuthorizationType.BASIC,
        user_name="chatbot.interface",
        client_id="",
        password="correct horse",
    )
    ConnectionRuntime.objects.filter(pk=its.pk).update(state=State.READY)
    bot = Bot.objects.create(
        name=name,
        slug=name,
        enabled=True,
        connection=its,
        queue_id=QUEUE,
        webhook_url=f"{server.url}/webhook",
    )
    services.prepare_bot(bot=bot)
    services.new_signing_secret(bot=bot, purpose=SigningSecret.Purpose.WEBHOOK)
    return Bot.objects.get(pk=bot.pk)


def start(bot: Bot, conversation_id: str) -> Handoff:
    request = services.StartRequest(conversation_id=conversation_id, message="Hello?")
    return services.start_handoff(bot=bot, request=request).handoff


def sent(bots: list[Bot]) -> int:
    return Event.objects.filter(bot__in=bots, state="sent").count()


def tell_all(bots: list[Bot]) -> None:
    for bot in bots:
        with transaction.atomic():
            events.emit_for_bot(bot, "authorization.required", {})


def allow(settings: Any, *servers: Server) -> None:
    settings.SERVICENOW_EXTRA_ORIGINS = [server.url for server in servers]
    settings.WEBHOOK_EXTRA_ORIGINS = settings.SERVICENOW_EXTRA_ORIGINS


def test_one_dead_endpoint_slows_none_of_fifty(worker, silent, healthy, settings):
    allow(settings, silent, healthy)
    dead = make_bot("dead", silent)
    others = [make_bot(f"healthy-{number}", healthy) for number in range(HEALTHY)]
    handoffs = [Handoff(bot=dead, conversation_id=f"c-{n}") for n in range(THREADS * 2)]
    for handoff in Handoff.objects.bulk_create(handoffs):
        Lane.objects.create(bot=dead, handoff=handoff, direction=Direction.TO_BOT)
        with transaction.atomic():
            events.emit(handoff, "handoff.queued", {})
    eventually(lambda: silent.requests)

    tell_all(others)
    eventually(lambda: sent(others) == HEALTHY)

    assert silent.connections == 1
    assert sent([dead]) == 0


def test_one_silent_instance_slows_none_of_the_others(
    worker, silent, healthy, settings
):
    """Lanes, looks and courtesies of one connection hold one share together."""
    allow(settings, silent, healthy)
    dead = make_bot("dead", silent)
    dead.webhook_url = ""
    dead.save()
    for number in range(THREADS * 2):
        handoff = start(dead, f"c-{number}")
        Handoff.objects.filter(pk=handoff.pk).update(
            group_id=f"{number:032x}", state="accepted", poll_at=now()
        )
        doorbell.ring("look_at_handoff", str(handoff.pk))
        doorbell.ring("show_typing", str(handoff.pk), 1)
    eventually(lambda: silent.requests)

    others = [make_bot(f"healthy-{number}", healthy) for number in range(10)]
    for bot in others:
        start(bot, "c-1")
    items = Outgoing.objects.filter(lane__bot__in=others)
    eventually(lambda: items.filter(state="sent").count() == len(others))

    assert silent.connections == 1
