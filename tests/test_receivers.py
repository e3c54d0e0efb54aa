"""What a connection's changes mean to the relay."""

import pytest

from handoff.models import Event, Handoff
from servicenow_auth import pauses, states
from servicenow_auth import services as auth
from servicenow_auth.exceptions import AnotherUser
from servicenow_auth.models import ConnectionRuntime, State
from tests.relay.conftest import HOST, bot, handoff, to_servicenow

__all__ = ["bot", "handoff"]

pytestmark = pytest.mark.django_db
SOMEBODY = {"sys_id": "9" * 32, "user_name": "somebody.else", "name": "Somebody"}


def test_another_user_is_refused_while_handoffs_are_open(http, handoff):
    http.get(f"{HOST}/api/now/table/sys_user", json={"result": [SOMEBODY]})

    with pytest.raises(AnotherUser, match=r"somebody\.else.*chatbot\.interface"):
        auth.who_am_i(handoff.bot.connection)

    runtime = ConnectionRuntime.objects.get()
    assert runtime.user_name == "chatbot.interface"
    assert runtime.state == State.NEEDS_REAUTHORIZATION
    assert Event.objects.get().type == "authorization.required"


def test_another_user_is_taken_when_nothing_is_open(http, bot):
    http.get(f"{HOST}/api/now/table/sys_user", json={"result": [SOMEBODY]})

    auth.who_am_i(bot.connection)

    assert ConnectionRuntime.objects.get().user_name == "somebody.else"


def test_a_bot_is_told_that_somebody_disconnected_it(http, handoff):
    auth.disconnect(handoff.bot.connection)

    told = Event.objects.get()
    assert told.type == "authorization.required"
    assert "disconnected" in told.payload["data"]["reason"]


def test_a_bot_that_was_not_connected_is_told_nothing_of_it(http, handoff):
    ConnectionRuntime.objects.update(state=State.NOT_AUTHORIZED)

    auth.disconnect(handoff.bot.connection)

    assert not Event.objects.exists()


def test_a_new_authorization_makes_waiting_lanes_due(
    handoff, django_capture_on_commit_callbacks
):
    pk = handoff.bot.connection_id
    version = ConnectionRuntime.objects.get().version
    states.need_reauthorization(pk=pk, detail="refused")
    later = to_servicenow(handoff).wake_at.replace(year=2100)
    Handoff.objects.get().lanes.update(wake_at=later)

    with django_capture_on_commit_callbacks(execute=True):
        states.make_ready(pk=pk, version=version)

    assert to_servicenow(handoff).wake_at < later


@pytest.mark.parametrize(
    ("reason", "is_woken"),
    [("unreachable", True), ("throttled", True), ("waiting_for_agent", False)],
)
def test_the_end_of_a_pause_wakes_what_waited_for_it(
    handoff, reason, is_woken, django_capture_on_commit_callbacks
):
    later = to_servicenow(handoff).wake_at.replace(year=2100)
    handoff.lanes.update(wake_at=later, stalled_reason=reason)
    ConnectionRuntime.objects.update(paused_until=later)

    with django_capture_on_commit_callbacks(execute=True):
        pauses.lift(handoff.bot.connection)

    assert (to_servicenow(handoff).wake_at < later) == is_woken
