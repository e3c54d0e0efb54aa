"""The instance as a process: it starts fresh or goes on, and ends when it is told."""

import signal
import subprocess
import sys
import time

import pytest

from tests.processes import inherited
from tests.sandbox.instance import BOT, ROOT, Browser, eventually, running_instance
from tests.sandbox.receiver import Receiver

pytestmark = pytest.mark.real_http


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_at_once_and_cleanly(tmp_path, number):
    with running_instance(tmp_path) as (_, process):
        started = time.monotonic()
        process.send_signal(number)

        assert process.wait(timeout=5) == 0
        assert time.monotonic() - started < 2


def test_what_it_knew_is_there_after_a_restart(tmp_path):
    with running_instance(tmp_path) as (instance, _):
        group = instance.start("Remember me")["group"]
        browser = Browser(instance)
        browser.log_in(("agent", "agent"))

    with running_instance(tmp_path) as (again, _):
        assert again.messages(group)[0]["message"] == "Remember me"
        assert len(again.table("sys_user")) == 3
        browser.url = again.url
        assert "Remember me" in browser.get("/desk/").text
    browser.session.close()


def test_a_rule_that_was_cut_off_runs_after_the_restart(tmp_path):
    receiver = Receiver()
    with running_instance(tmp_path) as (instance, process):
        instance.install_callbacks(endpoint=receiver.url)
        # While this one hangs, what comes after it has to wait.
        instance.create(
            "sys_script",
            collection="chat_queue_entry",
            when="async",
            order="1",
            action_insert=True,
            script="while (gs.getProperty('go') != 'yes') {}",
        )
        group = instance.start()["group"]
        process.kill()
        process.wait(timeout=5)
    assert receiver.received == []

    with running_instance(tmp_path) as (again, _):
        again.create("sys_properties", name="go", value="yes")
        sent = eventually(lambda: receiver.about(group, event="state"))

    receiver.close()
    assert [call.body["state"] for call in sent] == ["1"]


def test_a_port_that_is_taken_is_named(tmp_path):
    with running_instance(tmp_path / "one") as (instance, _):
        port = instance.url.rsplit(":", 1)[1]
        command = [sys.executable, "-m", "handoff.sandbox.instance"]
        second = subprocess.run(
            [*command, "--port", port, "--data", str(tmp_path / "two")],
            cwd=ROOT,
            env=inherited(),
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )

    assert second.returncode == 1
    expected = f"cannot listen on 127.0.0.1:{port}: Address already in use\n"
    assert second.stderr == expected


@pytest.mark.parametrize(
    "body", [{"nonsense": True}, {"queues_open": "no"}, ["queues_open"]]
)
def test_a_switch_that_is_none_moves_nothing(sandbox_instance, body):
    before = sandbox_instance.call("GET", "/sandbox/api/switches").json()

    answer = sandbox_instance.call("POST", "/sandbox/api/switches", json=body)

    assert answer.status_code == 400
    assert sandbox_instance.call("GET", "/sandbox/api/switches").json() == before


def test_a_form_of_another_site_moves_no_switch(sandbox_instance):
    answer = sandbox_instance.call(
        "POST",
        "/sandbox/api/switches",
        data='{"queues_open": false}',
        headers={"Content-Type": "text/plain"},
    )

    assert answer.status_code == 415


def test_another_host_name_is_refused(sandbox_instance):
    answer = sandbox_instance.call(
        "GET", "/sandbox/api/log", headers={"Host": "elsewhere.example"}
    )

    assert answer.status_code == 400


def test_the_log_tells_who_called_and_nothing_that_was_said(sandbox_instance):
    group = sandbox_instance.start("canary in a message")["group"]
    sandbox_instance.messages(group, before="1")

    log = sandbox_instance.calls(method="GET")

    last = log["calls"][-1]
    assert last["path"] == f"/api/now/connect/conversations/{group}/messages"
    assert (last["status"], last["user_name"]) == (200, BOT[0])
    assert "canary" not in str(sandbox_instance.calls())
