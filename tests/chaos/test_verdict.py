"""Messages that are lost, doubled or excused for no good reason are seen."""

from dataclasses import replace

import pytest

from tests.chaos.histories import (
    BY_AGENT,
    BY_USER,
    ENDED,
    REPLIES,
    SAYS,
    UNHEARD,
    created,
    cut_off,
    delivered,
    failed,
    history,
    left,
    lost,
    retold,
    shown,
    verdict_on,
)
from tests.chaos.plan import AGENT_CHAT, CONNECT_SUPPORT
from tests.chaos.verdict import TO_BOT, TO_SERVICENOW


def test_nothing_is_wrong_where_all_was_seen(whole):
    verdict = verdict_on(whole)

    assert verdict.violations == 0
    assert verdict.tallies[whole.one.system, TO_SERVICENOW].seen == len(SAYS)
    assert verdict.tallies[whole.one.system, TO_BOT].seen == len(REPLIES)


def test_a_lost_message_is_not_excused_by_an_agent_who_waited_for_it_in_vain(whole):
    waited = cut_off(replace(whole, lines=shown("Question 1", "no", "yes")))

    assert lost(waited, TO_SERVICENOW) == 1


def test_a_message_told_as_delivered_before_the_end_was_not_swallowed_by_it(whole):
    waited = cut_off(replace(whole, lines=shown(*SAYS[:-1])))

    assert lost(waited, TO_SERVICENOW) == 1


def test_agent_chat_may_swallow_what_crosses_an_end_and_what_follows():
    one = cut_off(replace(history(AGENT_CHAT), lines=shown(*SAYS[:2])))
    crossed = retold(one, *delivered(1, 2, 3), *created(*REPLIES), BY_AGENT, at=ENDED)

    verdict = verdict_on(crossed)

    assert verdict.violations == 0
    assert verdict.tallies[AGENT_CHAT, TO_SERVICENOW].cut_off == 2
    assert lost(replace(crossed, one=replace(one.one, is_cut_off=False)), TO_SERVICENOW)


def test_connect_support_swallows_nothing():
    one = cut_off(replace(history(CONNECT_SUPPORT), lines=shown(*SAYS[:2])))
    crossed = retold(one, *delivered(1, 2, 3), *created(*REPLIES), BY_AGENT, at=ENDED)

    assert lost(crossed, TO_SERVICENOW) == 2


def test_a_failure_is_no_excuse_while_the_conversation_goes_on(whole):
    refused = replace(
        whole, lines=shown(*SAYS[:3]), deliveries=["sent", "sent", "sent", "failed"]
    )
    told = retold(refused, *delivered(1, 2), *failed(3), *created(*REPLIES), BY_AGENT)

    assert lost(told, TO_SERVICENOW) == 1
    assert verdict_on(cut_off(told)).violations == 0


def test_what_was_told_as_failed_must_not_be_there(whole):
    both = replace(whole, deliveries=["sent", "sent", "sent", "failed"])
    told = retold(both, *delivered(1, 2), *failed(3), *created(*REPLIES), BY_AGENT)

    for record in (told, cut_off(told)):
        tally = verdict_on(record).tallies[whole.one.system, TO_SERVICENOW]
        assert tally.duplicated == 1


def test_what_is_pending_behind_no_unknown_outcome_is_stuck():
    deliveries = ["sent", "pending", "pending", "pending"]
    stuck = replace(history(AGENT_CHAT), lines=shown("Question 1"))
    told = retold(stuck, *created(*REPLIES), BY_AGENT)

    assert lost(replace(told, deliveries=deliveries), TO_SERVICENOW) == 3
    held = replace(told, deliveries=["sent", "sending", "pending", "pending"])
    assert verdict_on(held).violations == 0


@pytest.mark.parametrize("heard", [("hello", "no"), ("hello",), ()])
def test_who_leaves_early_finds_the_rest_in_the_transcript(whole, heard):
    early = retold(left(whole), *delivered(1, 2, 3), *created(*heard), BY_USER)

    verdict = verdict_on(early)

    assert verdict.violations == 0
    assert verdict.tallies[whole.one.system, TO_BOT].cut_off == 3 - len(heard)


def test_who_stays_is_told_all(whole):
    short = retold(whole, *delivered(1, 2, 3), *created("hello", "no"), BY_AGENT)

    assert lost(short, TO_BOT) == 1


def test_a_user_who_leaves_excuses_no_gap_in_what_he_was_told(whole):
    gap = retold(left(whole), *delivered(1, 2, 3), *created("no", "no"), BY_USER)

    assert lost(gap, TO_BOT) == 1


def test_a_user_who_leaves_excuses_nothing_that_is_in_no_transcript(whole):
    told = retold(left(whole), *delivered(1, 2, 3), *created("hello", "no"), BY_USER)

    verdict = verdict_on(replace(told, transcript=["hello", "no"]))

    assert verdict.others == ["c-1 transcript: 1 violations"]


def test_agent_chat_may_fail_to_open_a_conversation():
    never_opened = replace(
        history(AGENT_CHAT),
        chats=[],
        lines=[],
        said=[],
        transcript=[],
        deliveries=["sending", "failed", "failed", "failed"],
    )

    verdict = verdict_on(retold(never_opened, *failed(1, 2, 3), UNHEARD))

    assert verdict.violations == 0
    assert verdict.tallies[AGENT_CHAT, TO_SERVICENOW].reported == len(SAYS)
