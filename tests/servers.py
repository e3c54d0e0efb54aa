"""What the tests need of this machine: PostgreSQL, Redis, a browser.

A missing one fails the test that asked for it, by name: a skipped test proves nothing.
"""

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from signal import SIGINT, SIGTERM, Signals
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg

from tests.processes import Process, free_port

NOBODY = ("--reuid=nobody", "--regid=nogroup", "--clear-groups")


class Missing(RuntimeError):
    """A program that the test needs is not on this machine."""


class Server:
    """One that a test may stop, and start again with what it had on disk."""

    def __init__(
        self,
        command: Sequence[str | Path],
        *,
        url: str,
        log: Path,
        ready: Callable[[], bool],
        user: Sequence[str] = (),
        stop_signal: Signals = SIGTERM,
    ) -> None:
        self.url = url
        self._ready = ready
        self._start = partial(
            Process, command, log=log, user=user, stop_signal=stop_signal
        )
        self.start()

    def start(self) -> None:
        self.process = self._start()
        self.process.wait_until(self._ready)

    def stop(self, signal: Signals | None = None) -> None:
        """End it, by another signal than the usual one if that is named."""
        if signal is not None:
            self.process.popen.send_signal(signal)
            self.process.popen.wait(15)
        self.process.terminate()

    def signal(self, signal: Signals) -> None:
        self.process.popen.send_signal(signal)


@contextmanager
def postgres(*, durable: bool = False) -> Iterator[str]:
    """Run a PostgreSQL of our own; yield its URL."""
    with postgres_server(durable=durable) as server:
        yield server.url


@contextmanager
def postgres_server(*, durable: bool = False) -> Iterator[Server]:
    """Run a PostgreSQL of our own.

    It refuses root, so root runs it as nobody, in a folder that is nobody's.
    """
    binaries, port = _postgres_binaries(), free_port()
    user = NOBODY if os.geteuid() == 0 else ()
    url = f"postgres://postgres@127.0.0.1:{port}/postgres"
    with tempfile.TemporaryDirectory(prefix="handoff-postgres-") as name:
        folder = Path(name)
        data = _new_cluster(binaries, folder=folder, user=user)
        where = ["-D", str(data), "-h", "127.0.0.1", "-p", str(port), "-k", name]
        server = Server(
            # -F: what a power cut would lose is nothing to a test.
            [binaries / "postgres", *where, *([] if durable else ["-F"]), "-N", "200"],
            url=url,
            log=folder / "log",
            ready=partial(_accepts_connections, url),
            user=user,
            stop_signal=SIGINT,
        )
        try:
            yield server
        finally:
            server.stop()


def _accepts_connections(url: str) -> bool:
    try:
        psycopg.connect(url, connect_timeout=5).close()
    except psycopg.OperationalError:
        return False
    return True


def _new_cluster(binaries: Path, *, folder: Path, user: Sequence[str]) -> Path:
    data = folder / "data"
    command = [str(binaries / "initdb"), "-D", str(data), "-U", "postgres", "-N"]
    if user:
        shutil.chown(folder, "nobody", "nogroup")
        command = [_program("setpriv", package="util-linux"), *user, *command]
    options = ["--auth=trust", "--encoding=UTF8", "--locale=C"]
    subprocess.run([*command, *options], check=True, capture_output=True, cwd="/")
    return data


@contextmanager
def postgres_database(server_url: str, *, template: str = "") -> Iterator[str]:
    """Make a database on that server; drop it at the end, used or not.

    It is empty, or a copy of the one at the URL `template`, which nobody may be using.
    """
    name = f"handoff_{uuid4().hex}"
    source = urlsplit(template).path.removeprefix("/") or "template1"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {source}")
    try:
        yield urlsplit(server_url)._replace(path=f"/{name}").geturl()
    finally:
        with psycopg.connect(server_url, autocommit=True) as connection:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


@contextmanager
def redis() -> Iterator[str]:
    """Run a Redis of our own; yield its URL."""
    with redis_server() as server:
        yield server.url


@contextmanager
def redis_server() -> Iterator[Server]:
    """Run a Redis of our own that keeps nothing on disk."""
    program = _program("redis-server", "valkey-server", package="redis-server")
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="handoff-redis-") as folder:
        command = [program, "--bind", "127.0.0.1", "--port", str(port), "--save", ""]
        server = Server(
            [*command, "--dir", folder],
            url=f"redis://127.0.0.1:{port}/0",
            log=Path(folder, "log"),
            ready=partial(listens, port),
        )
        try:
            yield server
        finally:
            server.stop()


def chromium() -> str:
    """Return the path of a Chromium that Playwright can drive.

    Where there is one without windows, that one: it takes half the time.
    """
    light = "chromium-headless-shell"
    others = ("chromium", "chromium-browser", "google-chrome")
    return _program(light, *others, package=light)


def dump(url: str, *, file: Path) -> None:
    """Make a backup of a database, as an operator does."""
    program = _postgres_binaries() / "pg_dump"
    subprocess.run([program, "-Fc", "-f", file, url], check=True, capture_output=True)


def restore(url: str, *, file: Path) -> None:
    """Put a database back to where it was when the backup was made."""
    program = _postgres_binaries() / "pg_restore"
    options = ("--clean", "--if-exists", "--no-owner", "--exit-on-error", "-d", url)
    subprocess.run([program, *options, file], check=True, capture_output=True)


def _postgres_binaries() -> Path:
    """Debian keeps them out of PATH, a folder for each version."""
    found = shutil.which("initdb")
    folders = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    newest = max(folders, key=lambda path: int(path.parts[-3]), default=None)
    if found is None and newest is None:
        raise Missing("PostgreSQL: set DATABASE_URL or install the package postgresql")
    return Path(found or str(newest)).resolve().parent


def _program(*names: str, package: str) -> str:
    for name in names:
        if path := shutil.which(name):
            return path
    raise Missing(f"{names[0]}: install the package {package}")


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
