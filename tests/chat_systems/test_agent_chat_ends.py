"""How an envelope tells the end, and which end where it tells several."""

import pytest

from handoff.chat_systems import EntryState, InboundMessage, Observation, Speaker
from handoff.chat_systems.agent_chat.reading import read
from handoff.models import AgentChatConfiguration
from tests.chat_systems.agent_chat_news import (
    AGENT,
    CLOSED,
    action,
    envelope,
    messages,
    news,
    states,
    text,
)

NOBODY = text("Sorry, NO AGENTS ARE AVAILABLE right now.")
IDLE = action("System", message="The support session was closed.")
SWITCH = action("SwitchToVirtualAgent")
BY_AGENT = action("System", message=CLOSED)
QUESTION = {"uiType": "Picker", "label": "How was it?", "options": [{"label": "Fine"}]}


@pytest.mark.parametrize(
    ("parts", "flags", "state"),
    [
        ([NOBODY, IDLE, SWITCH], {"completed": True}, EntryState.NO_AGENT),
        (
            [IDLE, SWITCH],
            {"completed": True, "takeControl": True},
            EntryState.TIMED_OUT,
        ),
        ([BY_AGENT], {"completed": True, "takeControl": True}, EntryState.CLOSED),
        ([SWITCH], {"takeControl": True}, EntryState.CLOSED),
        ([BY_AGENT], {"takeControl": True}, EntryState.TAKEN_BACK),
        ([BY_AGENT], {}, EntryState.CLOSED),
        ([], {"completed": "true"}, EntryState.CLOSED),
        ([], {"takeControl": "true", "score": "0"}, EntryState.FAULTED),
        ([], {"takeControl": True, "score": 0.0}, EntryState.FAULTED),
        ([], {"takeControl": True, "score": "0.92"}, EntryState.TAKEN_BACK),
        ([], {"takeControl": True}, EntryState.TAKEN_BACK),
        ([text("Bye")], {"takeControl": True, "score": 0}, EntryState.TAKEN_BACK),
    ],
)
def test_of_several_ends_the_most_telling_is_stated(parts, flags, state):
    assert states(*parts, **flags) == [state]


def test_an_envelope_that_only_says_something_tells_no_end():
    assert states(text("Bye"), completed=False, takeControl="false", score=0) == []


def test_what_was_said_comes_before_the_end():
    said = news(text("Goodbye", agentInfo=AGENT), BY_AGENT, SWITCH, completed=True)

    assert [type(one) for one in said] == [
        Observation,
        InboundMessage,
        InboundMessage,
        Observation,
    ]


@pytest.mark.parametrize("gone", [SWITCH, BY_AGENT])
def test_a_survey_begins_where_the_agent_has_gone(gone):
    said = news(text("Bye", agentInfo=AGENT), gone, QUESTION, relay_survey=True)

    survey, question = said[-2:]
    assert isinstance(survey, Observation)
    assert survey.state == EntryState.SURVEY
    assert isinstance(question, InboundMessage)
    assert question.choices == [{"label": "Fine", "value": "Fine"}]


@pytest.mark.parametrize(
    ("parts", "flags", "state"),
    [
        ([BY_AGENT, SWITCH, QUESTION], {"completed": True}, EntryState.CLOSED),
        ([NOBODY, SWITCH], {}, EntryState.NO_AGENT),
        ([BY_AGENT], {"takeControl": True}, EntryState.TAKEN_BACK),
    ],
)
def test_no_survey_follows_an_end_that_another_sign_tells(parts, flags, state):
    assert states(*parts, relay_survey=True, **flags) == [state]


@pytest.mark.parametrize("gone", [SWITCH, BY_AGENT])
@pytest.mark.parametrize("relay_survey", [False, True])
def test_what_nobody_says_after_the_agent_has_gone_is_the_virtual_agents(
    gone, relay_survey
):
    said = messages(text("Bye"), gone, text("Hello"), relay_survey=relay_survey)

    assert said[0].speaker == Speaker.UNSAID
    assert said[-1].speaker == Speaker.VIRTUAL_AGENT


def test_an_agents_words_are_his_even_after_he_has_gone():
    (said,) = messages(SWITCH, text("One more thing", agentInfo=AGENT))
    assert said.speaker == Speaker.AGENT


@pytest.mark.parametrize(
    "part", [NOBODY, NOBODY | {"agentInfo": {"sentFromAgent": False}}]
)
def test_a_phrase_of_the_virtual_agent_tells_that_no_agent_is_there(part):
    assert states(part) == [EntryState.NO_AGENT]


def test_the_same_phrase_by_an_agent_or_with_one_tells_nothing():
    assert states(NOBODY | {"agentInfo": AGENT}) == [EntryState.ACCEPTED]
    assert states(NOBODY, agentChat=True) == [EntryState.WAITING]


def test_phrases_are_those_of_the_configuration():
    configuration = AgentChatConfiguration(
        phrases={"closed": ["hat die sitzung beendet", ""], "accepted": []}
    )

    def told(message: str) -> list[EntryState]:
        body = envelope(action("System", message=message))
        said = read(body, configuration=configuration)
        return [one.state for one in said if isinstance(one, Observation)]

    assert told("Dana Ruiz hat die Sitzung beendet.") == [EntryState.CLOSED]
    assert told(CLOSED) == []
    assert told("Dana Ruiz has entered the chat.") == []
