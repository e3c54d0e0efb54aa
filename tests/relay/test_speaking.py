"""Since when a conversation is read, on a clock that is not ours."""

from datetime import timedelta

import pytest
import responses

from handoff.models import Handoff
from handoff.relay import looking, speaking
from servicenow_auth.models import ConnectionRuntime
from tests.relay.conftest import MESSAGES, STATE, entry, message

pytestmark = pytest.mark.django_db
HALF_AN_HOUR = 1800.0


def measured(handoff: Handoff, *, ahead: float | None) -> Handoff:
    ConnectionRuntime.objects.update(clock_offset=ahead)
    return Handoff.objects.select_related("bot__connection__runtime").get()


@pytest.mark.parametrize(
    ("ahead", "minutes"),
    [(None, -5), (0.0, -1), (HALF_AN_HOUR, 29), (-HALF_AN_HOUR, -31)],
)
def test_a_conversation_is_read_from_its_beginning_by_servicenows_clock(
    running, ahead, minutes
):
    handoff = measured(running, ahead=ahead)

    since = speaking.first_word(handoff)

    assert since - handoff.created_at == timedelta(minutes=minutes)


def test_where_servicenows_clock_is_behind_more_pages_are_read(http, running):
    measured(running, ahead=-HALF_AN_HOUR)
    Handoff.objects.update(must_read=True)
    there = int((running.created_at.timestamp() - HALF_AN_HOUR) * 1000)
    rows = [
        message(f"{number:032x}", f"line {number}", timestamp=there + number)
        for number in range(31)
    ]
    http.get(STATE, json={"result": [entry(2)]})
    pages = [
        http.get(MESSAGES, json={"result": rows[1:]}, match=[before(None)]),
        http.get(MESSAGES, json={"result": rows[:2]}, match=[before(there + 2)]),
    ]

    looking.look(running.pk)

    assert [page.call_count for page in pages] == [1, 1]
    assert running.messages.filter(text="line 0").exists()


def before(stamp: int | None) -> object:
    params = {} if stamp is None else {"before": str(stamp)}
    return responses.matchers.query_param_matcher(params)
