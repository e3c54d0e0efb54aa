"""A reader of the feed, while others write and take back what they wrote."""

import random
import time
from concurrent.futures import Future, ThreadPoolExecutor

import pytest
from django.db import connection, transaction

from handoff import events, lifecycle, services
from handoff.models import Event, Handoff
from tests.api.bots import Api, api_of

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db(transaction=True)]

WRITERS = 10
EACH = 15


def write(handoff: Handoff, *, seed: int) -> None:
    """Tell the bot many things, and take about a third of them back."""
    chance = random.Random(seed)  # noqa: S311 - to be had again
    try:
        for _ in range(EACH):
            with transaction.atomic():
                locked = lifecycle.lock(handoff.pk)
                events.emit(locked, "message.created", {})
                time.sleep(chance.uniform(0, 0.003))
                transaction.set_rollback(chance.random() < 0.3)
    finally:
        connection.close()


def read(api: Api, *, writers: list[Future[None]]) -> list[int]:
    """Follow the feed until nobody writes any more and nothing is left."""
    seen: list[int] = []
    after = 0
    while True:
        finished = all(writer.done() for writer in writers)
        page = api.get("/events", after=after, limit=7).json()
        seen += [event["feed_sequence"] for event in page["items"]]
        after = page["next"]
        if finished and not page["items"]:
            return seen


def test_a_reader_of_the_feed_skips_and_repeats_no_number_while_ten_write(bot):
    def start(number: int) -> Handoff:
        request = services.StartRequest(conversation_id=f"c-{number}", message="Help")
        return services.start_handoff(bot=bot, request=request).handoff

    handoffs = [start(number) for number in range(WRITERS)]
    with ThreadPoolExecutor(WRITERS) as pool:
        writers = [
            pool.submit(write, handoff, seed=number)
            for number, handoff in enumerate(handoffs)
        ]
        seen = read(api_of(bot), writers=writers)
    for writer in writers:
        writer.result()

    told = Event.objects.count()
    assert 0 < told < WRITERS * EACH
    assert seen == list(range(1, told + 1))
