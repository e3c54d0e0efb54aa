"""A running demo, and people with browsers in front of it."""

import re
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import chain

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Error, Page, expect

from tests.chromium import chromium
from tests.processes import Process, free_port

__all__ = ["chromium"]

NewPage = Callable[[], Page]

TIMEOUT = 15_000  # milliseconds
expect.set_options(timeout=TIMEOUT)


@dataclass(frozen=True, kw_only=True)
class Demo:
    web: str
    sandbox: str
    bot: str
    second_bot: str
    password: str


@pytest.fixture(scope="package")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """All processes as `make demo` starts them, set up for a bot of each system."""
    folder = tmp_path_factory.mktemp("demo")
    names = ("--port", "--sandbox-port", "--bot-port", "--second-bot-port")
    ports = [str(free_port()) for _ in names]
    options = ["--folder", str(folder), *chain(*zip(names, ports, strict=True))]
    command = [sys.executable, "-m", "handoff.management.demo", *options]
    log = tmp_path_factory.mktemp("demo-log") / "log"
    with Process(command, log=log) as process:
        process.wait_for_log("Handoff is running", timeout=90)
        process.wait_for_log("Ctrl-C ends all of it")
        password = re.search(r"admin / (\S+)", process.log)
        assert password
        web, sandbox, bot, second_bot = (f"http://127.0.0.1:{port}" for port in ports)
        yield Demo(
            web=web,
            sandbox=sandbox,
            bot=bot,
            second_bot=second_bot,
            password=password[1],
        )


@pytest.fixture
def new_page(chromium: Browser) -> Iterator[NewPage]:
    """Open a browser's window for one more person, who shares nothing with others.

    The test fails when a script fails, a policy forbids something, or something that
    a page asks for is not there: Chromium writes all of these to its console.
    """
    complaints: list[str] = []

    def note_line(line: ConsoleMessage) -> None:
        if line.type in {"error", "warning"}:
            complaints.append(f"{line.location.get('url')}: {line.text}")

    def note_error(error: Error) -> None:
        complaints.append(str(error))

    with ExitStack() as contexts:

        def open_page() -> Page:
            page = contexts.enter_context(chromium.new_context()).new_page()
            page.set_default_timeout(TIMEOUT)
            page.on("console", note_line)
            page.on("pageerror", note_error)
            return page

        yield open_page
    assert complaints == []
