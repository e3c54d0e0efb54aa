"""A conversation that bot and agents send to and fro is stopped."""

from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F

from handoff.models import Bot, Handoff
from tests.api.bots import Api

START = {"conversation_id": "c-1", "message": "Help!"}


def hand_over(api: Api, number: int) -> Any:
    """Start a handoff and end it, so that the next one of the conversation may come."""
    answer = api.post("/handoffs", START | {"id": f"r-{number}"})
    if answer.status_code == 202:
        api.post(f"/handoffs/{answer.json()['id']}/end")
    return answer


@pytest.fixture
def looping(bot: Bot, api: Api) -> Api:
    bot.handoffs_per_hour = 3
    bot.save()
    for number in range(3):
        assert hand_over(api, number).status_code == 202
    return api


def test_a_conversation_is_handed_over_so_often_an_hour_and_no_more(looping):
    answer = hand_over(looping, 3)

    assert (answer.status_code, answer.json()["code"]) == (429, "handoff_loop")
    assert 3_500 < int(answer["Retry-After"]) <= 3_600
    assert Handoff.objects.count() == 3


def test_it_may_be_again_when_the_first_is_an_hour_ago(looping):
    first = Handoff.objects.order_by("created_at")[:1]
    earlier = F("created_at") - timedelta(minutes=40)
    Handoff.objects.filter(pk__in=first.values("pk")).update(created_at=earlier)

    wait = int(hand_over(looping, 3)["Retry-After"])

    assert 1_100 < wait <= 1_200
    Handoff.objects.update(created_at=F("created_at") - timedelta(seconds=wait))
    assert hand_over(looping, 3).status_code == 202


def test_another_conversation_is_not_concerned(looping):
    answer = looping.post("/handoffs", START | {"conversation_id": "c-2"})

    assert answer.status_code == 202


def test_a_repeat_is_answered_as_before(looping):
    assert hand_over(looping, 2).status_code == 202


def test_an_open_handoff_is_answered_as_before(bot, api):
    bot.handoffs_per_hour = 1
    bot.save()
    first = api.post("/handoffs", START).json()

    second = api.post("/handoffs", START | {"id": "r-2"})

    assert (second.status_code, second.json()["id"]) == (200, first["id"])
