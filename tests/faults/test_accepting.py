"""What is accepted is stored once, whatever becomes of the database meanwhile."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest
import requests
from django.db import OperationalError, connection, transaction

from handoff.models import Callback, Message, Outgoing
from tests import servers
from tests.api.bots import api_of
from tests.callbacks.conftest import call, new_secret, signed
from tests.faults.cutter import Cutter
from tests.processes import Product
from tests.relay.conftest import post, to_servicenow
from tests.relay.test_lanes import run_at_once

PREPARE = """
from handoff.services import create_api_key
from tests.api.bots import Api, make_bot
key = create_api_key(bot=make_bot())[1]
started = {"conversation_id": "c-1", "message": "Help!"}
answer = Api(key=key, SERVER_NAME="localhost").post("/handoffs", started)
print(key, answer.json()["id"])
"""


Answer = tuple[int, Any]


@dataclass
class Shop:
    """A web process with one bot, whose handoff is open, and no worker."""

    product: Product
    cutter: Cutter
    key: str
    handoff_id: str

    @property
    def url(self) -> str:
        return f"{self.product.url}/api/v1/handoffs/{self.handoff_id}/messages"

    def post(self, message_id: str, text: str, *, times: int = 1) -> list[Answer]:
        with requests.Session() as session:
            session.headers["Authorization"] = f"Bearer {self.key}"
            body = {"id": message_id, "text": text}
            answers = [
                session.post(self.url, json=body, timeout=60) for _ in range(times)
            ]
        return [(answer.status_code, answer.json()) for answer in answers]

    def stored(self, text: str) -> int:
        headers = {"Authorization": f"Bearer {self.key}"}
        answer = requests.get(self.url, {"limit": 200}, headers=headers, timeout=30)
        return sum(row["text"] == text for row in answer.json()["items"])


@pytest.fixture(scope="module")
def shop(
    tmp_path_factory: pytest.TempPathFactory, postgres_url: str, migrated: str
) -> Iterator[Shop]:
    folder = tmp_path_factory.mktemp("shop")
    with (
        servers.postgres_database(postgres_url, template=migrated) as database_url,
        Cutter(database_url) as cutter,
    ):
        product = Product(folder=folder, database_url=cutter.url)
        try:
            product.env["DJANGO_SETTINGS_MODULE"] = "config.settings"
            prepared = product.manage("shell", "--no-imports", "--command", PREPARE)
            key, handoff_id = prepared.split()
            product.web()
            yield Shop(product, cutter, key, handoff_id)
        finally:
            product.stop()


@pytest.mark.real_http
@pytest.mark.postgres
@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_message_whose_commit_was_cut_off_is_one_row_after_a_repeat(shop, moment):
    text = f"cut {moment} it was done"
    shop.cutter.arm(moment, text=text)

    [(status, body)] = shop.post(moment, text)

    assert (status, body.get("code")) == (503, "unavailable"), body
    assert shop.stored(text) == (moment == "after")
    [(status, _)] = shop.post(moment, text)
    assert status == (200 if moment == "after" else 202)
    assert shop.stored(text) == 1


@pytest.mark.real_http
@pytest.mark.postgres
def test_a_thousand_repeats_at_once_are_one_row_and_one_answer(shop):
    with ThreadPoolExecutor(50) as pool:
        parts = pool.map(lambda _: shop.post("same", "once", times=20), range(50))
        answers = [answer for part in parts for answer in part]

    assert sorted(status for status, _ in answers) == [200] * 999 + [202]
    assert len({body["message_id"] for _, body in answers}) == 1
    assert shop.stored("once") == 1
    [(status, _)] = shop.post("same", "another")
    assert status == 409


@pytest.mark.both_databases
@pytest.mark.django_db(transaction=True)
def test_fifty_threads_of_which_some_take_it_back_leave_no_gap(running):
    """Numbers are given in the order of commits."""

    def say(thread: int) -> None:
        for step in range(4):
            # As a bot does that got 503, since the others' turn took too long.
            while not is_done(thread, step):
                pass

    def is_done(thread: int, step: int) -> bool:
        try:
            with transaction.atomic():
                post(running, f"{thread}-{step}")
                transaction.set_rollback(is_taken_back(thread, step))
        except OperationalError:
            return False
        return True

    def is_taken_back(thread: int, step: int) -> bool:
        return (thread + step) % 10 < 3

    run_at_once(50, say)

    items = Outgoing.objects.filter(lane=to_servicenow(running)).order_by("sequence")
    kept = 50 * 4 * 7 // 10
    assert [item.sequence for item in items] == list(range(1, kept + 2))
    said = [item.message.number for item in items if item.kind == "message"]
    assert said == sorted(said)
    assert to_servicenow(running).wake_at is not None


@contextmanager
def read_only() -> Iterator[None]:
    """Let the database take nothing, as after a fail-over or on a full disk."""
    on, off = {
        "sqlite": ("PRAGMA query_only=ON", "PRAGMA query_only=OFF"),
        "postgresql": (
            "SET default_transaction_read_only=on",
            "SET default_transaction_read_only=off",
        ),
    }[connection.vendor]
    with connection.cursor() as cursor:
        cursor.execute(on)
        yield
        cursor.execute(off)


@pytest.mark.both_databases
@pytest.mark.django_db(transaction=True)
def test_a_database_that_takes_nothing_is_a_503_and_never_a_202(running):
    bot = running.bot
    api, url = api_of(bot), f"/servicenow/callback/{bot.callback_id}/"
    headers = signed(new_secret(bot))

    with read_only():
        told = call(url, **headers)
        said = api.post(f"/handoffs/{running.pk}/messages", {"id": "1", "text": "Hi"})
        repeated = api.post("/handoffs", {"conversation_id": "c-2", "message": "Hi"})

    answers = (told, said, repeated)
    assert [answer.status_code for answer in answers] == [503] * 3
    assert [answer.json()["code"] for answer in answers] == ["unavailable"] * 3
    assert not Callback.objects.exists()
    assert not Message.objects.filter(text="Hi").exists()
    assert call(url, **headers).status_code == 202
