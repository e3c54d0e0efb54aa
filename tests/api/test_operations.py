from datetime import timedelta
from pathlib import Path

import pytest
from django.db import OperationalError, connection
from django.db.migrations.recorder import MigrationRecorder
from django.test import Client
from django.utils.timezone import now

from handoff.models import Heartbeat, Lane, Outgoing

TOKEN = "t" * 32


@pytest.fixture
def beat(db) -> Heartbeat:
    return Heartbeat.objects.create(name="sweep", at=now())


@pytest.fixture
def broker(settings, tmp_path: Path) -> Path:
    settings.REDIS_URL = ""
    settings.BROKER_DIR = str(tmp_path)
    return tmp_path


def checks() -> dict[str, str]:
    answer = Client().get("/healthz/deep")
    told: dict[str, str] = answer.json()["checks"]
    assert answer.status_code == (200 if set(told.values()) == {"ok"} else 503)
    return told


def down(execute, sql, params, many, context):
    raise OperationalError("gone")


def test_the_process_answers_without_a_database():
    assert Client().get("/healthz").json() == {"status": "ok"}


def test_it_is_ready_with_a_migrated_database(db):
    answer = Client().get("/readyz")

    assert answer.status_code == 200
    assert answer.json() == {"status": "ok", "checks": {"database": "ok"}}


def test_it_is_not_ready_without_a_database(db):
    with connection.execute_wrapper(down):
        answer = Client().get("/readyz")

    assert answer.status_code == 503
    assert answer.json()["checks"] == {"database": "failing"}


def test_it_is_not_ready_before_the_migrations_ran(db):
    MigrationRecorder(connection).record_unapplied("handoff", "0001_initial")

    assert Client().get("/readyz").status_code == 503


def test_readiness_does_not_look_at_workers_and_brokers(db, settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"

    assert Client().get("/readyz").status_code == 200


def test_all_is_well_when_everything_moves(beat, broker):
    assert checks() == {
        "database": "ok",
        "lanes": "ok",
        "beat": "ok",
        "broker": "ok",
    }


def test_a_lane_that_nobody_serves_is_seen(beat, broker, handoff_id):
    Lane.objects.update(wake_at=now() - timedelta(seconds=61))
    assert checks()["lanes"] == "failing"

    Lane.objects.update(lease_until=now() + timedelta(seconds=9))

    assert checks()["lanes"] == "ok"


def test_a_lane_that_waits_its_turn_is_fine(beat, broker, handoff_id):
    Lane.objects.update(wake_at=now() + timedelta(hours=1))

    assert checks()["lanes"] == "ok"


def test_a_beat_that_stopped_is_seen(beat, broker):
    Heartbeat.objects.update(at=now() - timedelta(seconds=31))

    assert checks()["beat"] == "failing"


def test_a_beat_that_never_ticked_is_seen(db, broker):
    assert checks()["beat"] == "failing"


def test_a_redis_that_is_away_is_seen(beat, settings):
    settings.REDIS_URL = "redis://127.0.0.1:1/0"

    assert checks()["broker"] == "failing"


@pytest.mark.real_http
def test_a_redis_that_answers_is_fine(beat, settings, redis_url):
    settings.REDIS_URL = redis_url

    assert checks()["broker"] == "ok"


def test_a_folder_that_is_away_is_seen(beat, broker):
    broker.rmdir()

    assert checks()["broker"] == "failing"


def test_a_database_that_is_down_is_told_and_not_raised(db, broker):
    with connection.execute_wrapper(down):
        told = checks()

    assert told == {
        "database": "failing",
        "lanes": "failing",
        "beat": "failing",
        "broker": "ok",
    }


def test_metrics_are_off_without_a_token(db, settings):
    settings.METRICS_TOKEN = ""

    assert Client().get("/metrics").status_code == 404


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer wrong", TOKEN, "Bearer é"])
def test_metrics_ask_for_their_token(db, settings, header):
    settings.METRICS_TOKEN = TOKEN

    answer = Client().get("/metrics", headers={"Authorization": header})

    assert (answer.status_code, answer["WWW-Authenticate"]) == (401, "Bearer")
    assert answer.content == b""


def test_metrics_tell_what_waits(api, beat, handoff_id, settings):
    settings.METRICS_TOKEN = TOKEN
    Lane.objects.filter(direction="to_servicenow").update(
        wake_at=now() - timedelta(seconds=90)
    )

    answer = Client().get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    lines = answer.content.decode().splitlines()

    assert answer["Content-Type"].startswith("text/plain")
    assert 'handoff_open_handoffs{state="requested"} 1.0' in lines
    assert 'handoff_unsettled_outgoing{state="pending"} 1.0' in lines
    assert any(line.startswith("handoff_doorbell_errors_total") for line in lines)
    (age,) = [line for line in lines if '"oldest_due_lane"' in line]
    assert 90 <= float(age.split()[-1]) < 120


def test_metrics_tell_what_was_found_twice_and_what_lanes_wait_for(
    api, handoff_id, settings
):
    settings.METRICS_TOKEN = TOKEN
    Outgoing.objects.update(duplicates=["1" * 32])
    Lane.objects.filter(direction="to_servicenow").update(stalled_reason="unreadable")

    answer = Client().get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    lines = answer.content.decode().splitlines()

    assert "handoff_items_found_twice 1.0" in lines
    assert 'handoff_waiting_lanes{stalled_reason="unreadable"} 1.0' in lines


def test_the_front_page_leads_to_the_admin(db):
    assert Client().get("/")["Location"] == "/admin/"
