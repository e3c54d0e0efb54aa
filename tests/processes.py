"""Programs started by tests: none outlives its test, each keeps a log."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from random import SystemRandom
from types import TracebackType
from typing import Self

import requests
from cryptography.fernet import Fernet

ROOT = Path(__file__).resolve().parent.parent
# The little of this process's environment that a program needs to run at all.
INHERITED = ("PATH", "HOME", "LANG", "TMPDIR")


# The administrator's, in every database of a test.
PASSWORD = "a-password-for-the-test"


class Process:
    """A started program and all that it starts.

    Should this process be killed, `stop_signal` reaches the program all the same
    (where Debian's setpriv is at hand).
    """

    def __init__(
        self,
        command: Sequence[str | Path],
        *,
        log: Path,
        env: Mapping[str, str] | None = None,
        user: Sequence[str] = (),
        stop_signal: signal.Signals = signal.SIGTERM,
    ) -> None:
        self.command = [*dies_with_us(stop_signal, user), *map(str, command)]
        self.log_file = log
        self.stop_signal = stop_signal
        with log.open("ab") as output:
            self.popen = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=inherited() if env is None else env,
                cwd=ROOT,
                start_new_session=True,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.terminate()

    @property
    def log(self) -> str:
        return self.log_file.read_text(errors="replace")

    @property
    def is_alive(self) -> bool:
        return self.popen.poll() is None

    def wait_until(self, ready: Callable[[], bool], *, timeout: float = 30) -> None:
        """Return as soon as `ready()`; fail with the log if it dies or time is up."""
        end = time.monotonic() + timeout
        while not ready():
            if not self.is_alive or time.monotonic() > end:
                state = "is not ready" if self.is_alive else "has ended"
                raise AssertionError(f"{self.command} {state}:\n{self.log[-4000:]}")
            time.sleep(0.05)

    def wait_for_log(self, text: str, *, timeout: float = 30) -> None:
        self.wait_until(lambda: text in self.log, timeout=timeout)

    def terminate(self, *, timeout: float = 15) -> int:
        """Ask it to stop, wait, and kill what is left of it; return its exit code."""
        if self.is_alive:
            self.popen.send_signal(self.stop_signal)
        with suppress(subprocess.TimeoutExpired):
            self.popen.wait(timeout)
        return self.kill()

    def kill(self) -> int:
        """`kill -9` the program and its children; return its exit code."""
        with suppress(ProcessLookupError):
            os.killpg(self.popen.pid, signal.SIGKILL)
        return self.popen.wait()


class Product:
    """The product's own processes on one database and one broker, DEMO switched on.

    `env` and `celery_app` may be changed until a process is started.
    """

    # What workers run: another one of the tests' may have a trap in it.
    celery_app = "config"

    def __init__(self, *, folder: Path, database_url: str, redis_url: str = "") -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.processes: list[Process] = []
        self.env = inherited() | {
            "ALLOWED_HOSTS": "127.0.0.1,localhost",
            "BROKER_DIR": str(folder / "broker"),
            "DATABASE_URL": database_url,
            "DEMO": "true",
            "DJANGO_SUPERUSER_PASSWORD": PASSWORD,
            "FIELD_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
            "PUBLIC_URL": self.url,
            "REDIS_URL": redis_url,
            "SECRET_KEY": "tests-only-" + "0" * 50,
            "WORKER_CONCURRENCY": "8",
        }

    def manage(self, *arguments: str) -> str:
        """Run one management command to its end; return what it printed."""
        command = [sys.executable, "manage.py", *arguments]
        done = subprocess.run(
            command, env=self.env, cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def prepare(self) -> None:
        """Migrate the database and make its administrator."""
        self.manage("prepare_demo")

    def web(self) -> Process:
        address = ["--host", "127.0.0.1", "--port", str(self.port)]
        threads = ["--blocking-threads", "16"]
        command = [
            "granian",
            "--interface",
            "wsgi",
            *address,
            *threads,
            "config.wsgi:application",
        ]
        process = self.start("web", *command)
        process.wait_until(lambda: answers(f"{self.url}/healthz"))
        return process

    def worker(self, name: str = "worker") -> Process:
        options = [f"--hostname={name}@%h", "--without-mingle", "--without-gossip"]
        process = self.start(name, "celery", "-A", self.celery_app, "worker", *options)
        process.wait_for_log(" ready.")
        return process

    def beat(self, name: str = "beat") -> Process:
        scheduler = "--scheduler=celery.beat:Scheduler"
        return self.start(name, "celery", "-A", "config", "beat", scheduler)

    def start(self, name: str, module: str, *arguments: str) -> Process:
        """Start `python -m module` with the product's environment."""
        process = Process(
            [sys.executable, "-m", module, *arguments],
            log=self.folder / f"{name}.log",
            env=self.env,
        )
        self.processes.append(process)
        return process

    def stop(self) -> None:
        """Kill what still runs; a worker that is asked to stop takes its seconds."""
        for process in reversed(self.processes):
            process.kill()


def inherited() -> dict[str, str]:
    return {name: os.environ[name] for name in INHERITED if name in os.environ}


def free_port() -> int:
    """Return a port for a server that starts later, and again where it was.

    Of those below which the system takes them for calls: it does not give it away.
    """
    while True:
        port = SystemRandom().randrange(10_000, 32_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=5).ok
    except requests.ConnectionError:
        return False


def dies_with_us(signal_: signal.Signals, user: Sequence[str] = ()) -> list[str]:
    """Return what to put before a command that must not outlive this process."""
    setpriv = shutil.which("setpriv")
    if setpriv is None:
        return []
    return [setpriv, f"--pdeathsig={signal_.name.removeprefix('SIG')}", *user]
