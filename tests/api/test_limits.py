from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import OperationalError, connection
from django.test import RequestFactory

from handoff import limits
from handoff.exceptions import RateLimited
from handoff.models import RateWindow
from tests.api.bots import Api, api_of, make_bot

pytestmark = pytest.mark.both_databases

START = {"conversation_id": "c-1", "message": "Help!"}
LIMIT = 5


@pytest.fixture(autouse=True)
def one_minute(monkeypatch):
    """A minute that does not end in the middle of a test."""
    monkeypatch.setattr(limits, "_window", lambda: 1_000_000)


def test_a_bots_writes_are_limited(api, settings):
    settings.RATE_LIMIT_PER_BOT = 2
    answers = [api.post("/handoffs", START) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [202, 200, 429]
    assert answers[2].json()["code"] == "rate_limited"
    assert 0 < int(answers[2]["Retry-After"]) <= 60


def test_reading_is_not_limited(api, settings):
    settings.RATE_LIMIT_PER_BOT = 0

    assert api.get("/events").status_code == 200


def test_one_bots_writes_do_not_count_for_another(api, stranger, settings):
    settings.RATE_LIMIT_PER_BOT = 1
    api.post("/handoffs", START)

    assert stranger.post("/handoffs", START).status_code == 202


def test_a_new_minute_starts_at_zero_and_sweeps_the_old(bot, settings, monkeypatch):
    settings.RATE_LIMIT_PER_BOT = 1
    limits.count_send(bot_id=bot.pk)
    monkeypatch.setattr(limits, "_window", lambda: 1_000_002)

    limits.count_send(bot_id=bot.pk)

    assert [row.window for row in RateWindow.objects.all()] == [1_000_002]


def test_strangers_are_limited_by_address(db, settings):
    settings.RATE_LIMIT_STRANGERS = 2
    answers = [Api(key="hk_wrong").get("/events") for _ in range(4)]

    assert [answer.status_code for answer in answers] == [401, 401, 429, 429]
    assert RateWindow.objects.get().count == 2
    assert (
        Api(key="hk_wrong", REMOTE_ADDR="192.0.2.9").get("/events").status_code == 401
    )


def test_a_wrong_key_never_locks_out_the_right_one(api, settings):
    settings.RATE_LIMIT_STRANGERS = 1
    for _ in range(3):
        Api(key="hk_wrong").get("/events")

    assert api.get("/events").status_code == 200


def test_an_ipv6_caller_is_limited_by_its_network(db, settings):
    settings.RATE_LIMIT_STRANGERS = 1
    limits.count_stranger(address="2001:db8:1:2::1")

    limits.count_stranger(address="2001:db8:1:3::1")
    with pytest.raises(RateLimited):
        limits.count_stranger(address="2001:db8:1:2:ffff::9")


@pytest.mark.parametrize(
    ("proxies", "forwarded", "expected"),
    [
        (0, "203.0.113.7", "192.0.2.1"),
        (1, "203.0.113.7", "203.0.113.7"),
        (1, "198.51.100.1, 203.0.113.7", "203.0.113.7"),
        (2, "198.51.100.1, 203.0.113.7", "198.51.100.1"),
        (2, "203.0.113.7", "192.0.2.1"),
        (1, "", "192.0.2.1"),
    ],
)
def test_proxies_are_counted_and_never_assumed(settings, proxies, forwarded, expected):
    settings.TRUSTED_PROXIES = proxies
    request = RequestFactory().get(
        "/", REMOTE_ADDR="192.0.2.1", headers={"X-Forwarded-For": forwarded}
    )

    assert limits.client_address(request) == expected


def break_counter(monkeypatch):
    def broken() -> str:
        raise OperationalError("no space left")

    monkeypatch.setattr(limits, "_upsert", broken)


def test_a_broken_counter_lets_a_known_bot_through(api, monkeypatch):
    break_counter(monkeypatch)

    assert api.post("/handoffs", START).status_code == 202


def test_a_broken_counter_lets_no_stranger_through(db, monkeypatch):
    break_counter(monkeypatch)

    assert Api(key="hk_wrong").get("/events").status_code == 503


@pytest.mark.django_db(transaction=True)
def test_no_more_than_the_limit_pass_at_once(settings):
    settings.RATE_LIMIT_PER_BOT = LIMIT
    bot = make_bot()
    together = Barrier(10)

    def write(number: int) -> bool:
        together.wait()
        try:
            limits.count_send(bot_id=bot.pk)
        except RateLimited:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(10) as pool:
        passed = list(pool.map(write, range(40)))

    assert sum(passed) == LIMIT
    assert RateWindow.objects.get().count == 40


@pytest.mark.django_db(transaction=True)
def test_the_same_start_at_once_is_one_handoff():
    api = api_of(make_bot())
    together = Barrier(8)

    def post(number: int) -> tuple[int, str]:
        together.wait()
        answer = api.post("/handoffs", START | {"id": "r-1"})
        connection.close()
        return answer.status_code, answer.json().get("id")

    with ThreadPoolExecutor(8) as pool:
        answers = set(pool.map(post, range(8)))

    assert len(answers) == 1
    assert answers.pop()[0] == 202
