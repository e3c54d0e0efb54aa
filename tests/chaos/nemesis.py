"""Kills, stops and freezes what the product runs on, at moments that a seed chooses."""

import os
import signal
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random
from threading import Event

import redis

from tests.chaos.plan import Plan
from tests.chaos.stage import Stage

# In /proc/net/tcp.
ESTABLISHED = "01"
# Between two kills, in seconds.
SHORTEST, LONGEST = 0.3, 0.9
# So many of them strike one that talks to ServiceNow, where there is one.
AIMED = 0.25
# So many of the four.
ENOUGH = 3
# How long what was stopped or frozen is away.
AWAY = 2.0
# Within these parts of a storm it strikes: what comes of it has to be seen through.
FIRST, LAST = 0.25, 0.8

KILL = "kill -9 of a worker"
IN_A_CALL = "kill -9 of one that talked to ServiceNow"
BEAT_KILLED = "beat killed"
REDIS_RESTARTED = "Redis restarted"
REDIS_FROZEN = "Redis frozen"
POSTGRES_RESTARTED = "PostgreSQL restarted at once"

Blow = tuple[float, Callable[[], None]]


class Nemesis:
    def __init__(self, stage: Stage, plan: Plan) -> None:
        self.stage = stage
        self.plan = plan
        self.done: Counter[str] = Counter()

    def kill_workers(self, is_over: Event) -> None:
        """`kill -9` one worker after the other, while others are at work.

        Where the machine is slow, one waits until enough of them have come up.
        """
        rng = Random(self.plan.seed)  # noqa: S311 - to be repeated
        while not is_over.wait(rng.uniform(SHORTEST, LONGEST)):
            workers = self.stage.workers()
            if len(workers) >= ENOUGH:
                talking = [pid for pid in workers if self._talks(pid)]
                is_aimed = rng.random() < AIMED
                self._kill(rng.choice((is_aimed and talking) or workers))

    def _kill(self, worker: int) -> None:
        # Stopped first, so that it dies in what it is seen to do.
        with suppress(ProcessLookupError):  # it is gone already
            os.kill(worker, signal.SIGSTOP)
            self.done[IN_A_CALL] += self._talks(worker)
            os.kill(worker, signal.SIGKILL)
            self.done[KILL] += 1

    def _talks(self, worker: int) -> bool:
        """Tell whether a worker talks to ServiceNow."""
        port = int(self.stage.instance.url.split(":")[-1])
        try:
            return is_connected(worker, port=port)
        except OSError:  # it is gone already
            return False

    def missing(self) -> list[str]:
        """Return which of its blows it did not deal; FLUSHALL may find Redis away."""
        if not self.plan.nemesis:
            return []
        wanted = [IN_A_CALL, self._web_killed, BEAT_KILLED]
        if self.stage.redis:
            wanted += [REDIS_RESTARTED, REDIS_FROZEN, POSTGRES_RESTARTED]
        others = [f"no {name}" for name in wanted if not self.done[name]]
        return self.missing_kills() + others

    def missing_kills(self) -> list[str]:
        kills = self.done[KILL]
        too_few = self.plan.nemesis and kills < self.plan.kills
        return [f"only {kills} times {KILL}"] if too_few else []

    def rage(self) -> None:
        """Strike all other blows, each at its moment, while the storm lasts.

        For the thread that set the stage: a process ends with the one that started it.
        """
        began = time.monotonic()
        blows = sorted(self._blows(), key=lambda blow: blow[0])
        for moment, strike in [*blows, (self.plan.seconds, lambda: None)]:
            time.sleep(max(0.0, began + moment - time.monotonic()))
            strike()

    def _blows(self) -> list[Blow]:
        stage, rng = self.stage, Random(self.plan.seed)  # noqa: S311 - to be repeated
        first, last = FIRST * self.plan.seconds, LAST * self.plan.seconds
        down, beat = self.plan.web_down, rng.uniform(first, last)
        blows = _and_back(first, self._kill_web, stage.start_web, after=down)
        blows += _and_back(beat, self._kill_beat, stage.start_beat)
        for _ in range(self.plan.crashes if stage.redis else 0):
            flush, crash, freeze, stop = (rng.uniform(first, last) for _ in range(4))
            blows += [(flush, self._flush_redis), (crash, self._crash_postgres)]
            blows += _and_back(freeze, self._freeze_redis, self._thaw_redis)
            blows += _and_back(stop, self._stop_redis, self._start_redis)
        return blows

    def _kill_web(self) -> None:
        self.stage.processes["web"].kill()
        self.done[self._web_killed] += 1

    @property
    def _web_killed(self) -> str:
        return f"web killed, and down for {self.plan.web_down:.0f} s"

    def _kill_beat(self) -> None:
        self.stage.processes["beat"].kill()
        self.done[BEAT_KILLED] += 1

    def _flush_redis(self) -> None:
        with (
            redis.Redis.from_url(self.stage.redis.url, socket_timeout=1) as client,
            suppress(redis.RedisError),  # it is stopped or frozen
        ):
            client.flushall()
            self.done["FLUSHALL"] += 1

    def _stop_redis(self) -> None:
        self.stage.redis.process.kill()
        self.done[REDIS_RESTARTED] += 1

    def _start_redis(self) -> None:
        if not self.stage.redis.process.is_alive:
            self.stage.redis.start()

    def _freeze_redis(self) -> None:
        self.stage.redis.signal(signal.SIGSTOP)
        self.done[REDIS_FROZEN] += 1

    def _thaw_redis(self) -> None:
        self.stage.redis.signal(signal.SIGCONT)

    def _crash_postgres(self) -> None:
        """Do what `pg_ctl restart -m immediate` does."""
        self.stage.postgres.stop(signal.SIGQUIT)
        self.stage.postgres.start()
        self.done[POSTGRES_RESTARTED] += 1


def is_connected(pid: int, *, port: int) -> bool:
    """Tell whether a process has a connection to this port of this machine."""
    folder = Path("/proc", str(pid))
    rows = (folder / "net" / "tcp").read_text().splitlines()[1:]
    names = {
        f"socket:[{columns[9]}]"
        for columns in map(str.split, rows)
        if columns[2].endswith(f":{port:04X}") and columns[3] == ESTABLISHED
    }
    for file in (folder / "fd").iterdir():
        with suppress(OSError):  # it was closed meanwhile
            if str(file.readlink()) in names:
                return True
    return False


def _and_back(
    moment: float,
    strike: Callable[[], None],
    mend: Callable[[], None],
    *,
    after: float = AWAY,
) -> list[Blow]:
    return [(moment, strike), (moment + after, mend)]
