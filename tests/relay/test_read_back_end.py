"""What becomes of an end of unknown outcome, by what ServiceNow shows."""

from datetime import timedelta

import pytest
from django.db.models import F
from django.utils.timezone import now

from handoff import lifecycle, relay
from handoff.models import Handoff, Lane, Outgoing
from handoff.models.handoff import EndedBy, Reason
from tests.relay.conftest import (
    LEAVE,
    STATE,
    entry,
    let_go,
    states,
    to_servicenow,
)

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db]


def drain(handoff: Handoff) -> None:
    lane = to_servicenow(handoff)
    Lane.objects.filter(pk=lane.pk).update(wake_at=now() - timedelta(seconds=1))
    relay.drain(lane.pk)


def settle() -> None:
    earlier = timedelta(seconds=76)
    Outgoing.objects.filter(state="sending").update(
        attempt_started_at=F("attempt_started_at") - earlier
    )


@pytest.fixture
def leaving(http, running: Handoff) -> Handoff:
    """We left the chat, and the answer was lost."""
    lifecycle.close(running, reason=Reason.USER_LEFT, ended_by=EndedBy.USER)
    let_go(http, status=502, body="<html>")
    drain(running)
    assert states(running)[1:] == ["sending"]
    return running


def test_an_end_that_is_seen_there_is_done(http, leaving):
    http.get(STATE, json={"result": [entry(8)]})

    drain(leaving)

    assert states(leaving)[1:] == ["sent"]


def test_an_end_that_is_not_seen_there_is_sent_again(http, leaving):
    http.get(STATE, json={"result": [entry(1)]})
    drain(leaving)
    assert states(leaving)[1:] == ["sending"]

    settle()
    http.post(LEAVE, json={"result": entry(8)})
    drain(leaving)

    assert states(leaving)[1:] == ["sent"]


def test_an_end_of_which_nothing_is_shown_is_not_repeated(http, leaving):
    settle()
    http.get(STATE, json={"result": []})

    drain(leaving)

    assert states(leaving)[1:] == ["sending"]
