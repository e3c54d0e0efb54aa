import importlib.metadata
from datetime import timedelta

import pytest
from django.core.checks import run_checks

LOCAL = {"PUBLIC_URL": "http://127.0.0.1:8000", "ALLOWED_HOSTS": ["localhost"]}
PUBLIC = {"PUBLIC_URL": "https://handoff.example.com", "ALLOWED_HOSTS": ["*"]}


@pytest.fixture
def found(settings):
    """Apply settings, run every check, return ids and hints of our own findings."""

    def find(*, deploy: bool = False, **values: object) -> dict[str, str]:
        for name, value in values.items():
            setattr(settings, name, value)
        messages = run_checks(include_deployment_checks=deploy)
        return {
            str(message.id): str(message.hint)
            for message in messages
            if str(message.id).startswith("handoff.")
        }

    return find


def test_the_defaults_are_fine(found):
    assert found() == {}


@pytest.mark.parametrize(
    "reach",
    [
        {"PUBLIC_URL": "http://192.0.2.1:8000", "ALLOWED_HOSTS": ["127.0.0.1"]},
        {"PUBLIC_URL": "http://127.0.0.1:8000", "ALLOWED_HOSTS": ["*"]},
        {"PUBLIC_URL": "http://127.0.0.1.example.com", "ALLOWED_HOSTS": []},
    ],
)
def test_a_demo_within_reach_of_others_is_an_error(found, reach):
    assert "DEMO=false" in found(DEMO=True, **reach)["handoff.E001"]


def test_a_demo_on_this_machine_is_fine(found):
    hosts = ["127.0.0.1", "localhost", "[::1]"]
    assert found(DEMO=True, PUBLIC_URL="http://[::1]:8000", ALLOWED_HOSTS=hosts) == {}


def test_files_that_expire_before_their_message_are_an_error(found):
    short = found(ATTACHMENT_LIFETIME=timedelta(hours=23))
    assert "1 day" in short["handoff.E007"]
    assert found(ATTACHMENT_LIFETIME=timedelta(days=1)) == {}


def test_a_settle_time_below_servicenows_quota_is_a_warning(found):
    short = found(deploy=True, SETTLE_TIME=timedelta(seconds=59), **PUBLIC)
    assert "see it twice" in short["handoff.W004"]
    fine = found(deploy=True, SETTLE_TIME=timedelta(seconds=60), **PUBLIC)
    assert "handoff.W004" not in fine


def test_plain_http_in_production_is_an_error(found):
    assert "handoff.E002" in found(deploy=True, **LOCAL)
    assert "handoff.E002" not in found(deploy=True, **PUBLIC)


def test_plain_http_is_fine_in_a_demo(found):
    assert "handoff.E002" not in found(deploy=True, DEMO=True, **LOCAL)


def test_a_lease_that_a_request_can_outlive_is_an_error(found):
    deadline = timedelta(seconds=15)

    short = found(REQUEST_DEADLINE=deadline, LANE_LEASE=deadline + timedelta(seconds=9))
    assert "REQUEST_DEADLINE + 10" in short["handoff.E003"]

    assert found(LANE_LEASE=deadline + timedelta(seconds=10)) == {}


@pytest.mark.parametrize(
    ("name", "nothing", "some"),
    [
        ("REQUEST_DEADLINE", timedelta(0), timedelta(milliseconds=1)),
        ("POLL_INTERVAL", timedelta(0), timedelta(milliseconds=1)),
        ("WORKER_CONCURRENCY", 0, 1),
        ("CALLS_PER_CONNECTION", -1, 1),
        ("WEB_THREADS", 0, 1),
        ("MAX_OPEN_HANDOFFS", 0, 1),
        ("MAX_ATTACHMENT_BYTES", 0, 1),
        ("RATE_LIMIT_PER_BOT", 0, 1),
        ("RATE_LIMIT_STRANGERS", -1, 1),
    ],
)
def test_a_setting_that_lets_nothing_through_is_an_error(found, name, nothing, some):
    assert f"Set {name} to" in found(**{name: nothing})["handoff.E008"]
    assert found(**{name: some}) == {}


@pytest.mark.parametrize(
    ("package", "old", "oldest"),
    [
        ("djangorestframework", "3.17.1", "3.17.2"),
        ("celery", "5.6.3", "5.7"),
        ("kombu", "5.6.2", "5.7"),
    ],
)
def test_a_library_without_its_repair_is_an_error(
    found, monkeypatch, package, old, oldest
):
    installed = importlib.metadata.version
    monkeypatch.setattr(
        "handoff.checks.version",
        lambda name: old if name == package else installed(name),
    )
    assert f"{package} {oldest}" in found()["handoff.E004"]


def test_a_metrics_token_that_can_be_guessed_is_an_error(found):
    assert "random" in found(METRICS_TOKEN="secret")["handoff.E005"]
    assert found(METRICS_TOKEN="x" * 20) == {}


def test_a_negative_number_of_proxies_is_an_error(found):
    assert "0" in found(TRUSTED_PROXIES=-1)["handoff.E006"]


@pytest.mark.parametrize("engine", ["sqlite3", "postgresql"])
def test_sqlite_in_production_is_a_warning(found, settings, monkeypatch, engine):
    database = settings.DATABASES["default"]
    monkeypatch.setitem(database, "ENGINE", f"django.db.backends.{engine}")

    assert ("handoff.W001" in found(deploy=True)) == (engine == "sqlite3")


def test_no_redis_in_production_is_a_warning(found):
    assert "handoff.W002" in found(deploy=True, REDIS_URL="", **PUBLIC)
    assert "handoff.W002" not in found(deploy=True, REDIS_URL="redis://127.0.0.1")


def test_https_without_a_trusted_proxy_is_a_warning(found):
    assert "handoff.W003" in found(deploy=True, TRUSTED_PROXIES=0, **PUBLIC)
    assert "handoff.W003" not in found(deploy=True, TRUSTED_PROXIES=1, **PUBLIC)
