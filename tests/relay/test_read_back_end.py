"""What becomes of an end of unknown outcome, by what ServiceNow shows."""

import pytest

from handoff import lifecycle
from handoff.models import Handoff
from handoff.models.handoff import EndedBy, Reason
from tests.relay.conftest import (
    LEAVE,
    STATE,
    drain,
    entry,
    let_go,
    states,
)
from tests.relay.reading_back import settle

pytestmark = [pytest.mark.both_databases, pytest.mark.django_db]


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
