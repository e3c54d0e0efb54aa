"""The demo's processes: started, watched, started again, ended without a rest."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from handoff.management.demo.console import Console
from handoff.management.demo.place import ROOT
from handoff.management.demo.ports import CannotStart

GRACE = 8.0  # seconds from SIGTERM to SIGKILL
_RUN_SECONDS = 120
_TAIL_LINES = 15
_SHORT_LIFE = 5.0
_SHORT_LIVES_ALLOWED = 3


@dataclass
class Program:
    """One command, and its process while it runs."""

    name: str
    command: Sequence[str]
    log: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    process: subprocess.Popen[bytes] = field(init=False)
    started: float = field(init=False)
    short_lives: int = 0

    def start(self) -> None:
        """Start in a session of its own, so that Ctrl-C reaches the demo alone."""
        launcher = [sys.executable, "-m", "handoff.management.demo.launch"]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(  # noqa: S603 (commands of our own)
                [*launcher, str(os.getpid()), *self.command],
                cwd=ROOT,
                env={**os.environ, **self.environment, "PYTHONUNBUFFERED": "1"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.started = time.monotonic()

    def is_running(self) -> bool:
        return self.process.poll() is None

    def end(self, *, until: float) -> None:
        """Wait for the process until then; what is left of its session is killed."""
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(timeout=max(0.0, until - time.monotonic()))
        # The session outlives its leader as long as a child of it runs.
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def log_tail(self) -> str:
        written = self.log.read_text(encoding="utf-8", errors="replace").splitlines()
        tail = "\n".join(f"    {line}" for line in written[-_TAIL_LINES:])
        return f"The end of {self.log}:\n{tail}"


class Supervisor:
    def __init__(self, console: Console) -> None:
        self.console = console
        self.programs: list[Program] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.stop()

    def start(self, program: Program) -> None:
        program.start()
        self.programs.append(program)

    def run(self, program: Program) -> None:
        """Run what ends by itself, to its end."""
        program.start()
        try:
            program.process.wait(timeout=_RUN_SECONDS)
        except subprocess.TimeoutExpired as exc:
            raise CannotStart(f"The {program.name} takes too long.") from exc
        finally:
            program.end(until=0)
        if program.process.returncode:
            raise CannotStart(f"The {program.name} failed. {program.log_tail()}")

    def tend(self) -> None:
        """Start again what died, and say so; give up on what dies at once again."""
        for program in self.programs:
            if not program.is_running():
                self._restart(program)

    def stop(self) -> None:
        """End all of it, the newest first told."""
        for program in reversed(self.programs):
            program.process.terminate()
        until = time.monotonic() + GRACE
        for program in self.programs:
            program.end(until=until)
        self.programs.clear()

    def _restart(self, program: Program) -> None:
        status, lived = program.process.returncode, time.monotonic() - program.started
        short = lived < _SHORT_LIFE
        program.short_lives = program.short_lives + 1 if short else 0
        if program.short_lives > _SHORT_LIVES_ALLOWED:
            raise CannotStart(
                f"The {program.name} ends as soon as it starts ({_ending(status)})."
                f" {program.log_tail()}"
            )
        program.end(until=0)
        program.start()
        self.console.say(
            f"The {program.name} died ({_ending(status)}) and was started again,"
            f" pid {program.process.pid}."
        )


def _ending(status: int) -> str:
    if status >= 0:
        return f"status {status}"
    return f"killed by {signal.Signals(-status).name}"
