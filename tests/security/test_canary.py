"""Every secret of a running product, looked for in everything that it gives out."""

import json
import pickle
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import sleep
from typing import Any
from urllib.parse import urljoin

import psycopg
import pytest
import requests
from psycopg import sql
from redis import Redis

from handoff import services
from handoff.models import SigningSecret
from servicenow_auth.models import Connection
from tests.end_to_end.stage import Stage, eventually, set_stage
from tests.processes import PASSWORD

PLANTED = "canary-password"
STRANGER = "canary-of-a-stranger"
# Plants a password, and prints what is sealed in the database, opened.
OPEN = f"""
import json
from handoff.models import Bot, SigningSecret
from servicenow_auth.fields import Secret
bot = Bot.objects.get()
connection, runtime = bot.connection, bot.connection.runtime
connection.password = Secret("{PLANTED}")
connection.save()
held = [connection.password, connection.client_secret]
held += [runtime.access_token, runtime.refresh_token]
held += [secret.value for secret in SigningSecret.objects.all()]
print(json.dumps([bot.callback_id, *(secret.reveal() for secret in held)]))
"""
EXPIRE = """
from servicenow_auth.models import ConnectionRuntime
from django.utils.timezone import now
ConnectionRuntime.objects.update(access_expires_at=now())
"""


@pytest.fixture
def stage(product, tmp_path) -> Iterator[Stage]:
    product.env["LOG_LEVEL"] = "DEBUG"
    with set_stage(product, tmp_path / "sandbox") as stage:
        yield stage


def opened(stage: Stage) -> list[str]:
    printed = stage.product.manage("shell", "-v0", "-c", OPEN)
    found: list[str] = json.loads(printed.splitlines()[-1])
    return found


@contextmanager
def overheard(url: str) -> Iterator[list[str]]:
    """Collect every command that Redis gets."""
    heard: list[str] = []
    stop = threading.Event()
    with Redis.from_url(url) as client, client.monitor() as monitor:
        thread = threading.Thread(target=_listen, args=(monitor, heard, stop))
        thread.start()
        try:
            yield heard
        finally:
            stop.set()
            client.ping()  # one more line, for a listener that waits for it
            thread.join()


def _listen(monitor: Any, heard: list[str], stop: threading.Event) -> None:
    while not stop.is_set():
        heard.append(str(monitor.next_command()))


def converse(stage: Stage) -> list[str]:
    """Let all go its way once, a refresh included; return what the bot was told."""
    handoff_id = stage.start("c-1")
    eventually(stage.desk.find_waiting)
    stage.desk.accept()
    stage.desk.say("Hello")
    eventually(lambda: stage.state_of(handoff_id) == "accepted")
    stage.product.manage("shell", "-v0", "-c", EXPIRE)
    stage.post(handoff_id, "after the refresh")
    eventually(lambda: "after the refresh" in stage.shown())
    stage.desk.end()
    eventually(lambda: stage.state_of(handoff_id) == "ended")
    paths = ["handoffs", f"handoffs/{handoff_id}", "events", "availability"]
    paths += [f"handoffs/{handoff_id}/messages", f"handoffs/{handoff_id}/transcript"]
    return [stage.call("GET", path).text for path in paths]


def go_wrong(stage: Stage, callback_id: str) -> list[str]:
    """Walk into every error that is near a secret; return the answers."""
    url, bearer = stage.product.url, {"Authorization": f"Bearer {STRANGER}"}
    callback = f"{url}/servicenow/callback/{callback_id}/"
    signed = {"webhook-id": "m", "webhook-timestamp": "1", "webhook-signature": "v1,"}
    basic = requests.auth.HTTPBasicAuth("admin", STRANGER)
    back = f"{url}/servicenow/oauth/callback/?state={STRANGER}&code={STRANGER}"
    log_in = {"username": "admin", "password": STRANGER}
    session = stage.developer.browser.session
    answers = [
        requests.get(f"{url}/api/v1/events", headers=bearer, timeout=20),
        stage.call("POST", "handoffs", data="{"),
        requests.post(callback, headers=signed, data="{}", timeout=20),
        requests.post(callback, auth=basic, data="{", timeout=20),
        requests.post(f"{callback}?secret={STRANGER}", data="{", timeout=20),
        requests.get(callback, timeout=20),
        requests.get(back, timeout=20),
        session.get(back, timeout=20),
        requests.post(f"{url}/admin/login/", data=log_in, timeout=20),
        requests.get(f"{url}/metrics", headers=bearer, timeout=20),
    ]
    return [answer.text for answer in answers]


def crawl(stage: Stage) -> list[str]:
    """Return every page of the admin that links lead to."""
    session, found = stage.developer.browser.session, dict[str, str]()
    unread = [f"{stage.product.url}/admin/"]
    while unread:
        address = unread.pop()
        if address in found or "/logout/" in address or len(found) > 60:
            continue
        found[address] = session.get(address, timeout=20).text
        links = re.findall(r'href="(/admin/[^"#?]*)', found[address])
        unread += [urljoin(address, link) for link in links]
    assert any("/handoff/handoff/" in address for address in found)
    assert any(address.endswith("/change/") for address in found)
    return list(found.values())


def dump(database_url: str) -> str:
    """Return every row of every table, as text."""
    with psycopg.connect(database_url) as connection:
        tables = connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        ).fetchall()
        rows = [
            str(row)
            for (table,) in tables
            for row in connection.execute(
                sql.SQL("SELECT t::text FROM {} t").format(sql.Identifier(table))
            )
        ]
    return "\n".join(rows)


@pytest.mark.end_to_end
@pytest.mark.real_http
def test_no_secret_leaves_a_running_product(stage, tmp_path):
    product = stage.product
    first = opened(stage)  # again below: a refresh brings another token
    with overheard(product.env["REDIS_URL"]) as heard:
        product.worker()
        product.beat()
        told = converse(stage)
        told += go_wrong(stage, first[0])
        pages = crawl(stage)
        sleep(1)  # for the last lines of the logs
    callback_id, *sealed = [*first, *opened(stage)[1:]]
    environment = [product.env["SECRET_KEY"], product.env["FIELD_ENCRYPTION_KEYS"]]
    secrets = [*sealed, *environment, stage.api_key, PASSWORD, STRANGER]
    stored = dump(product.env["DATABASE_URL"])
    logs = "\n".join(path.read_text() for path in tmp_path.glob("*.log"))

    places = {
        "logs": logs,
        "Redis": "\n".join(heard),
        "API": "\n".join(told),
        "admin": "\n".join(pages),
        "database": stored,
    }
    assert min(map(len, secrets)) >= len(PLANTED)
    assert callback_id in places["admin"]
    assert "drain_lane" in places["Redis"]
    assert "after the refresh" in stored
    for place, text in places.items():
        assert not [secret for secret in secrets if secret in text], place
    assert callback_id not in logs


@pytest.mark.django_db
def test_no_model_says_its_secrets(bot):
    connection = Connection.objects.get()
    connection.runtime.refresh_from_db()
    secret = services.new_signing_secret(
        bot=bot, purpose=SigningSecret.Purpose.WEBHOOK
    ).reveal()
    stored = SigningSecret.objects.get()

    said = [repr(connection), repr(vars(connection)), repr(connection.password)]
    said += [repr(stored), repr(vars(stored)), str(stored), f"{stored.value}"]
    said += [str(pickle.dumps(connection)), str(pickle.dumps(stored))]

    assert not [text for text in said if "correct horse" in text or secret in text]
    with pytest.raises(TypeError):
        pickle.dumps(SigningSecret.generate())
