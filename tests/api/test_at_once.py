"""Messages that are posted into one handoff at the same moment."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from time import sleep
from typing import Any

import pytest
from django.db import connection, transaction

from handoff import lifecycle
from handoff.models import Lane, Message, Outgoing
from handoff.models.lane import Direction
from tests.api.bots import Api

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db(transaction=True)]

AT_ONCE = 8
SHORT = 0.5


def all_at_once(call: Callable[[int], Any]) -> list[Any]:
    together = Barrier(AT_ONCE)

    def one(number: int) -> Any:
        together.wait()
        try:
            return call(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(one, range(AT_ONCE)))


def post(api: Api, handoff_id: str, *, message_id: str) -> Any:
    body = {"id": message_id, "text": "word " * 3_000}
    return api.post(f"/handoffs/{handoff_id}/messages", body)


def test_they_are_queued_without_a_gap_as_they_were_stored(api, handoff_id):
    answers = all_at_once(lambda n: post(api, handoff_id, message_id=f"m-{n}"))

    assert {answer.status_code for answer in answers} == {202}
    items = Outgoing.objects.filter(lane__handoff=handoff_id).order_by("sequence")
    queued = list(items.values_list("sequence", "message__number", "part"))
    assert [sequence for sequence, _, _ in queued] == list(range(1, len(queued) + 1))
    assert [item[1:] for item in queued] == sorted(item[1:] for item in queued)
    lane = Lane.objects.get(handoff=handoff_id, direction=Direction.TO_SERVICENOW)
    assert lane.next_sequence == len(queued) + 1


def test_no_more_than_the_limit_are_taken(api, handoff_id, settings):
    settings.MAX_OPEN_ITEMS = 2  # the start is one of them

    answers = all_at_once(lambda n: post(api, handoff_id, message_id=f"m-{n}"))

    codes = sorted(answer.status_code for answer in answers)
    assert codes == [202] + [429] * (AT_ONCE - 1)
    assert Message.objects.exclude(client_id=None).count() == 1


def test_the_same_message_is_stored_once(api, handoff_id):
    answers = all_at_once(lambda _: post(api, handoff_id, message_id="m-1"))

    codes = sorted(answer.status_code for answer in answers)
    assert codes == [200] * (AT_ONCE - 1) + [202]
    assert len({answer.json()["message_id"] for answer in answers}) == 1
    assert Message.objects.filter(client_id="m-1").count() == 1


def test_one_that_waits_for_the_handoff_does_not_hold_the_lane(api, handoff_id):
    """The lock order. SQLite has one writer at a time, and no locks to be ordered."""

    def say() -> Any:
        try:
            return post(api, handoff_id, message_id="m-1")
        finally:
            connection.close()

    lanes = Lane.objects.filter(handoff=handoff_id)
    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic():
            lifecycle.lock(handoff_id)
            answer = pool.submit(say)
            sleep(SHORT)
            assert not answer.done()
            assert len(lanes.select_for_update(nowait=True)) == 2
        assert answer.result().status_code == 202
