"""What ServiceNow asks the user once the agent has gone."""

import pytest

from handoff.models.handoff import State
from tests.relay.agent_chat import ACCEPTED, LEFT, call_back, final, pass_time, said

pytestmark = pytest.mark.django_db

QUESTION = {
    "uiType": "Picker",
    "label": "How was it?",
    "options": [{"label": "Good", "value": "1"}, {"label": "Bad", "value": "2"}],
}


@pytest.fixture
def surveyed(chat):
    """A handoff whose agent has gone, of a bot that wants the survey."""
    chat.bot.agent_chat.relay_survey = True
    chat.bot.agent_chat.save()
    call_back(chat, ACCEPTED)
    call_back(chat, LEFT)
    return chat


def test_a_survey_is_relayed_before_the_end_is_told(surveyed):
    call_back(surveyed, QUESTION)
    pass_time(surveyed, seconds=4)
    assert surveyed.state == State.ACCEPTED

    call_back(surveyed, completed=True)
    pass_time(surveyed, seconds=4)

    assert [role for role, _ in said(surveyed)] == ["system"]
    told = final(surveyed)
    assert (told["reason"], told["ended_by"]) == ("completed", "agent")


def test_a_survey_that_nobody_answers_ends_too(surveyed):
    call_back(surveyed, QUESTION)
    pass_time(surveyed, minutes=9)
    assert surveyed.state == State.ACCEPTED
    pass_time(surveyed, minutes=2)

    assert surveyed.state == State.ENDED


def test_a_survey_is_dropped_where_the_bot_does_not_want_it(chat):
    call_back(chat, ACCEPTED)
    call_back(chat, LEFT)
    call_back(chat, QUESTION)
    pass_time(chat, seconds=4)

    assert said(chat) == []
    assert chat.state == State.ENDED


def test_an_agent_who_never_came_is_followed_by_no_survey(chat):
    chat.bot.agent_chat.relay_survey = True
    chat.bot.agent_chat.save()
    call_back(chat, LEFT)
    pass_time(chat, seconds=4)

    assert final(chat)["reason"] == "rejected"
