import time
from threading import Thread

import pytest
from django.db import connection
from django.utils.timezone import now

from handoff import services
from handoff.api import waiting
from handoff.models import Handoff
from tests.api.bots import api_of, make_bot

pytestmark = pytest.mark.both_databases


@pytest.fixture
def ended(api, handoff_id):
    """A handoff with its one event."""
    api.post(f"/handoffs/{handoff_id}/end")
    return handoff_id


def end_later(handoff_id: str, api, *, after: float) -> Thread:
    """End a handoff from another thread, as a worker or another request would."""

    def end() -> None:
        time.sleep(after)
        api.post(f"/handoffs/{handoff_id}/end")
        connection.close()

    thread = Thread(target=end)
    thread.start()
    return thread


def test_the_feed_tells_what_happened(api, ended):
    told = api.get("/events").json()

    (event,) = told["items"]
    assert event["type"] == "handoff.failed"
    assert event["data"] == {
        "reason": "bot_ended",
        "ended_by": "bot",
        "final": True,
        "ticket": None,
        "text": None,
    }
    assert event["handoff"]["id"] == ended
    assert event["timestamp"].endswith("Z")
    assert (event["sequence"], event["feed_sequence"]) == (1, 1)
    assert (told["next"], told["has_more"]) == (1, False)


def test_the_feed_is_read_page_by_page(api):
    for number in range(3):
        body = {"conversation_id": f"c-{number}", "message": "Help!"}
        started = api.post("/handoffs", body).json()
        api.post(f"/handoffs/{started['id']}/end")

    one = api.get("/events", limit=2).json()
    two = api.get("/events", after=one["next"]).json()
    none = api.get("/events", after=two["next"]).json()

    assert [e["feed_sequence"] for e in one["items"] + two["items"]] == [1, 2, 3]
    assert (one["has_more"], two["has_more"]) == (True, False)
    assert none == {"items": [], "next": 3, "has_more": False}


def test_a_bot_sees_its_own_events_alone(stranger, ended):
    assert stranger.get("/events").json()["items"] == []


def test_a_cursor_ahead_of_the_feed_is_told_so(api, ended):
    answer = api.get("/events", after=2)

    assert (answer.status_code, answer.json()["code"]) == (409, "feed_reset")


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"after": -1}, "after"),
        ({"after": 2**63}, "after"),
        ({"after": "9" * 2_000}, "after"),
        ({"wait": 26}, "wait"),
        ({"limit": 201}, "limit"),
    ],
)
def test_a_wrong_query_is_named(api, query, field):
    answer = api.get("/events", **query)

    assert answer.status_code == 400
    assert list(answer.json()["errors"]) == [field]


@pytest.mark.django_db(transaction=True)
def test_a_waiting_reader_is_answered_by_the_next_event():
    api = api_of(make_bot())
    started = api.post("/handoffs", {"conversation_id": "c-1", "message": "Help!"})
    begun = time.monotonic()
    thread = end_later(started.json()["id"], api, after=0.5)

    told = api.get("/events", wait=20).json()

    thread.join()
    assert [event["type"] for event in told["items"]] == ["handoff.failed"]
    assert 0.5 <= time.monotonic() - begun < 10


def test_a_wait_without_events_comes_to_its_end(api, monkeypatch):
    monkeypatch.setattr(waiting, "INTERVAL", 0.05)
    begun = time.monotonic()

    told = api.get("/events", wait=1).json()

    assert told == {"items": [], "next": 0, "has_more": False}
    assert 1 <= time.monotonic() - begun < 5


def test_a_reader_who_is_behind_does_not_wait(api, ended):
    begun = time.monotonic()

    assert len(api.get("/events", wait=20).json()["items"]) == 1
    assert time.monotonic() - begun < 5


def test_nobody_waits_when_every_seat_is_taken(api, settings):
    seats = max(1, settings.WEB_THREADS // 4)
    taken = [waiting._seats.acquire(blocking=False) for _ in range(seats)]
    begun = time.monotonic()
    try:
        told = api.get("/events", wait=20).json()
    finally:
        for _ in taken:
            waiting._seats.release()

    assert all(taken)
    assert told["items"] == []
    assert time.monotonic() - begun < 5


def test_a_seat_is_free_again_after_each_wait(settings, monkeypatch):
    monkeypatch.setattr(waiting, "INTERVAL", 0.001)
    seats = max(1, settings.WEB_THREADS // 4)
    for _ in range(2 * seats):
        answers = iter([False, True])
        waiting.wait_until(answers.__next__, seconds=5)

    taken = [waiting._seats.acquire(blocking=False) for _ in range(seats)]
    for _ in taken:
        waiting._seats.release()

    assert all(taken)


@pytest.mark.django_db(transaction=True)
def test_a_start_can_wait_for_its_first_state():
    api = api_of(make_bot())
    body = {"conversation_id": "c-1", "message": "Help!"}
    begun = time.monotonic()

    def fail_it() -> None:
        while not (handoff := Handoff.objects.first()):
            time.sleep(0.1)
        api.post(f"/handoffs/{handoff.pk}/end")
        connection.close()

    thread = Thread(target=fail_it)
    thread.start()
    told = api.post("/handoffs", body, wait=20).json()
    thread.join()

    assert told["state"] == "failed"
    assert time.monotonic() - begun < 10


@pytest.fixture
def restored(api, ended):
    """A bot whose first event is known, and others forgotten by a restore."""
    services.after_restore(since=now())
    return ended


@pytest.mark.parametrize("after", [0, 1])
def test_a_cursor_from_before_the_backup_is_good_after_a_restore(api, restored, after):
    assert api.get("/events", after=after).status_code == 200


@pytest.mark.parametrize("after", [2, 3_000])
def test_a_cursor_from_after_the_backup_is_told_so(api, restored, after):
    answer = api.get("/events", after=after)

    assert (answer.status_code, answer.json()["code"]) == (409, "feed_reset")


def test_after_a_restore_the_feed_goes_on_far_above_what_was_told(api, restored):
    body = {"conversation_id": "c-2", "message": "Help!"}
    again = api.post("/handoffs", body).json()
    api.post(f"/handoffs/{again['id']}/end")

    told = api.get("/events", after=1).json()

    assert [event["feed_sequence"] for event in told["items"]] == [10**12 + 1]
    services.after_restore(since=now())
    assert api.get("/events", after=told["next"]).status_code == 200
    assert api.get("/events", after=told["next"] + 1).status_code == 409


def test_after_a_restore_a_long_poll_still_waits(api, restored):
    began = time.monotonic()
    assert api.get("/events", after=1, wait=1).json()["items"] == []
    assert time.monotonic() - began >= 0.9
