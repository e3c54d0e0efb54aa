"""The bench tells a miss from a hit, and a lost message from one that came twice."""

from collections.abc import Iterator

import pytest
import requests

from bench.instance import StandIn, stand_in
from bench.table import Pair, at_least, at_most, show


@pytest.fixture
def instance(tmp_path) -> Iterator[StandIn]:
    with stand_in(tmp_path) as running:
        yield running


def post(instance: StandIn, text: str) -> None:
    url = f"{instance.url}/api/now/connect/conversations/abc/messages"
    requests.post(url, json={"message": text}, timeout=5).raise_for_status()


@pytest.mark.parametrize(("ours", "met"), [(20, True), (19, False)])
def test_a_row_that_must_reach_its_target_says_whether_it_did(ours, met):
    row = at_least("rate", Pair(ours=ours, beside=10), target=2, unit="/s")
    assert row.met is met


@pytest.mark.parametrize(("ours", "met"), [(20, True), (21, False)])
def test_a_row_that_must_stay_within_its_target_says_whether_it_did(ours, met):
    row = at_most("time", Pair(ours=ours, beside=10), target=2, unit="ms")
    assert row.met is met


def test_speed_is_worth_nothing_where_messages_were_lost():
    pair = Pair(ours=100, beside=1)
    assert not at_least("rate", pair, target=2, unit="/s", sound=False).met


def test_the_table_says_miss_on_the_row_that_misses():
    good = at_least("good", Pair(ours=3, beside=1), target=2, unit="/s")
    bad = at_least("bad", Pair(ours=1, beside=1), target=2, unit="/s", note="why")
    lines = show([good, bad]).splitlines()
    assert [line.split("|")[-2].strip() for line in lines[2:4]] == ["OK", "MISS"]
    assert lines[-1] == "* bad: why"


@pytest.mark.real_http
def test_the_stand_in_tells_lost_messages_and_those_that_came_twice(
    instance, monkeypatch
):
    monkeypatch.setattr("bench.instance.SILENCE", 0.1)
    for text in ("a", "b", "b"):
        post(instance, text)
    counted = instance.count(["a", "b", "c"])
    assert (counted.arrivals.keys(), counted.lost, counted.repeated) == (
        {"a", "b"},
        1,
        1,
    )


@pytest.mark.real_http
def test_the_stand_in_answers_as_late_as_it_is_told(instance):
    instance.wait(0.2)
    url = f"{instance.url}/api/now/connect/support/sessions?group_id=abc"
    answer = requests.get(url, timeout=5)
    assert answer.elapsed.total_seconds() >= 0.2
    assert answer.json()["result"][0]["group"] == "abc"
