"""Workers that stand still for longer than their lease, and wake when it is over."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from itertools import count

import pytest
from django.db import connection
from django.db.models.functions import Now

from handoff.failpoints import Point
from handoff.models import Lane
from tests.faults.traps import Gate, trap

pytestmark = [
    pytest.mark.both_databases,
    pytest.mark.real_http,
    pytest.mark.django_db(transaction=True),
]

LEFT_TO_SEND = 0.3  # seconds from an intent, of which the lease lets so many pass


def in_thread(call):
    try:
        call()
    finally:
        connection.close()


def test_two_workers_that_freeze_between_intent_and_send_leave_one_message(
    chat, settings
):
    margin = settings.REQUEST_DEADLINE + timedelta(seconds=5 + LEFT_TO_SEND)
    settings.LANE_LEASE = margin
    gates, comes = [Gate(), Gate()], count()

    def freeze() -> None:
        if (number := next(comes)) < len(gates):
            gates[number].hold()

    chat.say("one", "two")
    with ThreadPoolExecutor(2) as pool, trap(Point.AFTER_INTENT, freeze):
        frozen = []
        for gate in gates:
            frozen.append(pool.submit(in_thread, chat.drain_until_settled))
            gate.wait()
            earlier = Now() - timedelta(seconds=1)
            Lane.objects.filter(handoff=chat.handoff).update(lease_until=earlier)
        time.sleep(LEFT_TO_SEND)
        for gate in gates:
            gate.open()
        for worker in frozen:
            worker.result()

    assert chat.seen() == ["one", "two"]
    chat.posts(2)
