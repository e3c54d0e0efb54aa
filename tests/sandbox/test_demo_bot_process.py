"""The demo bot as a process: set up, restarted, ended, and kept from telling."""

import json
import socket
import subprocess
import sys

import pytest
import requests

from tests.processes import inherited
from tests.sandbox.demo_bot import API_KEY, SECRET, Bot, User
from tests.sandbox.demo_bot_product import FakeProduct
from tests.sandbox.instance import eventually

pytestmark = pytest.mark.real_http


def test_a_waiting_message_outlives_the_bots_process(tmp_path):
    product = FakeProduct()
    port = product.server.server_port
    product.close()
    bot = Bot(data=tmp_path, product_port=port)
    bot.set_up()
    user = User(bot.url)
    user.say("agent")
    user.say("still there?")
    assert user.sees("user", "delivery") == ["sending…", "sending…"]
    bot.end(by_force=True)

    product = FakeProduct(port=port)
    bot = Bot(data=tmp_path, product_port=port)
    user.url = bot.url
    assert eventually(lambda: user.sees("user", "delivery") == ["Sent", "Sent"])
    assert [call.body.get("text") for call in product.calls] == [None, "still there?"]
    user.session.close()
    bot.end()
    product.close()


def test_the_secrets_are_neither_shown_nor_logged(tmp_path):
    bot = Bot(data=tmp_path, product_port=1)
    bot.set_up()
    user = User(bot.url)
    user.say("agent")
    shown = user.page + requests.get(f"{bot.url}/healthz", timeout=5).text
    user.session.close()
    shown += bot.end()

    assert API_KEY not in shown
    assert SECRET not in shown


def test_before_the_setup_a_webhook_is_to_come_again(tmp_path):
    bot = Bot(data=tmp_path, product_port=1)
    answer = bot.notify({"type": "handoff.queued"})
    bot.end()

    assert (answer.status_code, answer.json()["code"]) == (503, "not_set_up")


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        ("text/plain", json.dumps({"api_key": "a", "webhook_secret": SECRET}), 415),
        ("application/json", "{", 400),
        ("application/json", "[]", 400),
        ("application/json", json.dumps({"api_key": "a"}), 400),
        ("application/json", json.dumps({"api_key": "a", "webhook_secret": "é"}), 400),
        (
            "application/json",
            json.dumps({"api_key": "é", "webhook_secret": SECRET}),
            400,
        ),
    ],
)
def test_a_setup_that_is_not_one_is_refused(bot, content_type, body, status):
    headers = {"Content-Type": content_type}
    answer = requests.post(
        f"{bot.url}/setup", body.encode(), headers=headers, timeout=5
    )

    assert answer.status_code == status


def test_it_ends_promptly_when_asked_to(tmp_path):
    bot = Bot(data=tmp_path, product_port=1)
    bot.end()

    assert bot.process.returncode == 0


def test_a_taken_port_is_named(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        options = [
            "--port",
            str(port),
            "--data",
            str(tmp_path),
            "--product",
            "http://x",
        ]
        command = [sys.executable, "-m", "handoff.sandbox.demo_bot", *options]
        done = subprocess.run(
            command, env=inherited(), capture_output=True, text=True, check=False
        )

    assert done.returncode == 1
    assert f"127.0.0.1:{port}: Address already in use" in done.stderr
