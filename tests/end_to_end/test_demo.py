import os
import signal
import socket
import sys
from contextlib import suppress
from pathlib import Path
from time import monotonic, sleep

import pytest

from handoff.management.demo import script
from tests.processes import Process, free_port, inherited

pytestmark = [pytest.mark.end_to_end, pytest.mark.real_http]

READY = "Handoff is running"
PORTS = ("--port", "--sandbox-port", "--bot-port", "--second-bot-port")


class Demo:
    """A demo in a folder and on ports of its own, to be started and ended at will."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "demo"
        self.ports = [str(free_port()) for _ in PORTS]
        self.log = folder / "log"

    def start(self, *options: str) -> Process:
        ports = [word for pair in zip(PORTS, self.ports, strict=True) for word in pair]
        folder = ["--folder", str(self.folder)]
        self.log.unlink(missing_ok=True)
        return run(*folder, *ports, *options, log=self.log)


def test_a_conversation_over_each_chat_system_arrives_as_sent(tmp_path: Path):
    with run("--once", log=tmp_path / "log", TMPDIR=str(tmp_path)) as process:
        status = process.popen.wait(timeout=120)

    assert status == 0, process.log
    for system, requester in (
        ("Connect Support", "Chatbot Interface"),
        ("Agent Chat     ", "Guest"),
    ):
        for seen in (
            "user  → “<b>not bold</b>",
            f"agent ← {requester}: “<b>not bold</b>",
            "agent → “<b>on its way</b>",
            "user  ← Live Agent: “<b>on its way</b>",
            f"agent ← {requester}: [the file {script.NOTE.name} ",
            f"user  ← Live Agent: [the file {script.PICTURE.name} ",
        ):
            assert f"{system}  {seen}" in process.log
    assert "every message and file arrived once, in order" in process.log
    assert processes_of(tmp_path) == {}
    assert [path.name for path in tmp_path.iterdir()] == ["log"]


@pytest.mark.parametrize("place", range(4), ids=PORTS)
def test_a_port_that_is_taken_is_named(tmp_path: Path, place: int):
    demo = Demo(tmp_path)

    taken = demo.ports[place]
    with socket.create_server(("127.0.0.1", int(taken))), demo.start() as process:
        assert process.popen.wait(timeout=30) == 1

    assert f"Port {taken}, for the " in process.log
    assert f"{PORTS[place]} {int(taken) + 100}" in process.log
    assert not demo.folder.exists()


def test_it_outlives_its_worker_and_nothing_outlives_it(tmp_path: Path):
    demo = Demo(tmp_path)

    with demo.start() as process:
        process.wait_for_log(READY, timeout=90)
        (worker,) = processes_of(demo.folder, command="worker")
        os.kill(worker, signal.SIGKILL)
        process.wait_for_log("The worker died (killed by SIGKILL) and was started")
        (successor,) = processes_of(demo.folder, command="worker")
        assert successor != worker

        os.kill(process.popen.pid, signal.SIGINT)
        assert process.popen.wait(timeout=30) == 0
        assert processes_of(demo.folder) == {}

    with demo.start() as process:
        process.wait_for_log(READY, timeout=90)
        assert "Kept from last time" in process.log
        assert "Ready, connected as chatbot.interface" in process.log

        os.kill(process.popen.pid, signal.SIGKILL)
        process.popen.wait()
        wait_for_none(demo.folder)


def run(*options: str, log: Path, **environment: str) -> Process:
    return Process(
        [sys.executable, "-m", "handoff.management.demo", *options],
        log=log,
        env=inherited() | environment,
    )


def wait_for_none(folder: Path) -> None:
    """Wait until all processes of the demo in the folder have ended."""
    end = monotonic() + 15
    while left := processes_of(folder):
        assert monotonic() < end, left
        sleep(0.1)


def processes_of(folder: Path, *, command: str = "") -> dict[int, str]:
    """Return the living processes that were told of the folder, by their commands."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # ended meanwhile
            line = (process / "cmdline").read_bytes().replace(b"\0", b" ")
            told = line + (process / "environ").read_bytes()
            if bytes(folder) in told and command.encode() in [*line.split(), b""]:
                found[int(process.name)] = line.decode()
    return found
