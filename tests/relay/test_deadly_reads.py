"""A conversation that ends whoever reads it holds up no other, nor its own end."""

from contextlib import suppress
from datetime import timedelta

import pytest
from django.utils.timezone import now

from handoff import failpoints, services
from handoff.failpoints import Point
from handoff.models import BotRuntime, Event, Handoff
from handoff.relay import looking, reconciling
from tests.faults import traps
from tests.relay.conftest import HOST, MESSAGES, STATE, entry, events, message
from tests.relay.reads import again, ago, shows, tell, texts

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db]
OTHER = "7" * 32
OTHERS_MESSAGES = f"{HOST}/api/now/connect/conversations/{OTHER}/messages"


@pytest.fixture
def deadly(due):
    """A handoff that nobody reads and lives."""

    def kill(point: Point, about: object) -> None:
        if point == Point.DURING_LOOK and about == due:
            raise traps.Killed

    failpoints.listeners.append(kill)
    yield due
    failpoints.listeners.remove(kill)


@pytest.fixture
def other(deadly):
    """Another one of the same bot, which is read after it."""
    request = services.StartRequest(conversation_id="c-2", message="Hi")
    handoff = services.start_handoff(bot=deadly.bot, request=request).handoff
    handoff.group_id, handoff.entry_id, handoff.state = OTHER, "8" * 32, "queued"
    handoff.position = 1
    handoff.save()
    return handoff


def both_spoke(http) -> None:
    """Have ServiceNow show a message of each to a read of all."""
    entries = [entry(1), entry(1, group=OTHER, sys_id="8" * 32)]
    said = [message("1" * 32, "deadly", timestamp=ago(20))]
    said.append(message("2" * 32, "Hello", group=OTHER, timestamp=ago(19)))
    shows(http, *said, entries=entries)


def read_all(handoff: Handoff) -> None:
    """Make the read of all that is due, as a worker that may die of it."""
    again()
    with suppress(traps.Killed):
        reconciling.reconcile(handoff.bot_id)


def look(handoff: Handoff) -> None:
    """Make a look that is due, as a worker that may die of it."""
    past = now() - timedelta(seconds=1)
    Handoff.objects.filter(pk=handoff.pk).update(poll_at=past, must_read=True)
    with suppress(traps.Killed):
        looking.look(handoff.pk)
    handoff.refresh_from_db()


def test_after_two_reads_in_vain_each_conversation_is_read_by_itself(
    http, deadly, other
):
    for _ in range(reconciling.MAX_READS):
        both_spoke(http)
        read_all(deadly)
    assert texts(other) == []

    read_all(deadly)

    wanted = Handoff.objects.filter(must_read=True, poll_at__lte=now())
    assert set(wanted) == {deadly, other}
    assert BotRuntime.objects.get().reading_error == reconciling.NOT_SURVIVED
    http.get(STATE, json={"result": [entry(1, group=OTHER, sys_id="8" * 32)]})
    http.get(OTHERS_MESSAGES, json={"result": [message("2" * 32, "Hello")]})
    look(other)
    assert texts(other) == ["Hello"]


def test_a_read_that_comes_back_starts_the_count_anew(http, due):
    again(reads=reconciling.MAX_READS - 1)
    shows(http)

    reconciling.reconcile(due.bot_id)

    assert BotRuntime.objects.get().reads == 0


def test_after_ten_looks_in_vain_the_others_are_read_at_one_go_again(
    http, deadly, other
):
    for _ in range(looking.MAX_LOOKS):
        http.get(STATE, json={"result": [entry(1)]})
        http.get(MESSAGES, json={"result": [message("1" * 32, "deadly")]})
        look(deadly)
    look(deadly)
    assert len(http.calls) == looking.MAX_LOOKS * 2
    assert deadly.poll_at is None

    alone = [entry(1, group=OTHER, sys_id="8" * 32)]
    said = message("2" * 32, "Hello", group=OTHER, timestamp=ago(19))
    shows(http, said, entries=alone)
    read_all(deadly)

    assert f"groupIN{OTHER}^" in http.calls[-3].request.params["sysparm_query"]
    assert texts(other) == ["Hello"]


def test_its_end_is_told_once_it_is_no_longer_read(http, deadly):
    Handoff.objects.update(
        state="accepted",
        looks=looking.MAX_LOOKS,
        pending_end={"reason": "completed", "ended_by": "agent"},
        pending_end_at=now() - timedelta(seconds=5),
    )

    look(deadly)

    assert events(deadly) == ["handoff.ended"]
    final = Event.objects.get(type="handoff.ended")
    assert final.payload["data"]["messages_complete"] is False


def test_nothing_waits_for_a_read_of_it(deadly):
    Handoff.objects.update(looks=looking.MAX_LOOKS, state="accepted")
    look(deadly)

    tell(deadly, message("2" * 32, "second"), follows="3" * 32)

    assert texts(deadly) == ["second"]


def test_a_look_that_comes_back_starts_the_count_anew(http, running):
    Handoff.objects.update(looks=looking.MAX_LOOKS - 1)
    http.get(STATE, json={"result": [entry(1)]})

    looking.look(running.pk)

    running.refresh_from_db()
    assert running.looks == 0
