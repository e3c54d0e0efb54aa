"""Everything that is measured, up at once: what is not called is idle meanwhile."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from bench import load
from bench.doors import Bare, Door, Handoffs, Simple, calls
from bench.instance import StandIn, stand_in
from bench.relays import Baseline, Bot, Ours, running
from tests import servers

WARM_UP = 60
# Each has a PostgreSQL database and a Redis database.
NAMES = ("ours", "tutorial", "inline", "bare", "slow", "counted", "empty", "full")


@dataclass(frozen=True, kw_only=True)
class Scale:
    """How much of it: of a short run, or of one whose figures are kept."""

    rounds: int
    messages: int
    samples: int
    callbacks: int
    silent_rounds: int
    slow_calls: int
    stored_messages: int
    stored_handoffs: int
    stored_bots: int


QUICK = Scale(
    rounds=2,
    messages=400,
    samples=30,
    callbacks=400,
    silent_rounds=1,
    slow_calls=15,
    stored_messages=100_000,
    stored_handoffs=1_000,
    stored_bots=100,
)
FULL = Scale(
    rounds=3,
    messages=600,
    samples=60,
    callbacks=600,
    silent_rounds=1,
    slow_calls=40,
    stored_messages=1_000_000,
    stored_handoffs=10_000,
    stored_bots=1_000,
)


@dataclass(frozen=True, kw_only=True)
class Ground:
    """What everything that is measured stands on."""

    folder: Path
    postgres_url: str
    redis_url: str
    servicenow: StandIn
    silent: StandIn


@dataclass(frozen=True, kw_only=True)
class Stage(Ground):
    scale: Scale
    ours: Ours
    bot: Bot
    handoffs: Handoffs
    tutorial: Simple
    inline: Simple
    bare: Bare


@contextmanager
def set_stage(scale: Scale) -> Iterator[Stage]:
    with ExitStack() as stack:
        ground = stack.enter_context(_ground())
        ours = stack.enter_context(another(ground, "ours"))
        ours.worker()
        ours.beat()
        [bot] = ours.make_bots(ground.servicenow.url)
        tutorial, inline, bare = (
            stack.enter_context(_baseline(ground, name))
            for name in ("tutorial", "inline", "bare")
        )
        tutorial.worker()
        stage = Stage(
            **vars(ground),
            scale=scale,
            ours=ours,
            bot=bot,
            handoffs=ours.hand_over(bot, each=32),
            tutorial=tutorial.simple(),
            inline=inline.simple(),
            bare=bare.bare(),
        )
        _warm_up(stage)
        yield stage


@contextmanager
def another(ground: Ground, name: str) -> Iterator[Ours]:
    """Serve the product on a database of its own, without a worker."""
    with servers.postgres_database(ground.postgres_url) as database_url:
        ours = Ours(
            folder=ground.folder / name,
            database_url=database_url,
            redis_url=_numbered(ground.redis_url, name),
            origins=[ground.servicenow.url, ground.silent.url],
        )
        with running(ours):
            yield ours


@contextmanager
def _baseline(ground: Ground, name: str) -> Iterator[Baseline]:
    with servers.postgres_database(ground.postgres_url) as database_url:
        baseline = Baseline(
            name,
            folder=ground.folder / name,
            database_url=database_url,
            redis_url=_numbered(ground.redis_url, name),
            servicenow_url=ground.servicenow.url,
        )
        with running(baseline):
            yield baseline


def _numbered(redis_url: str, name: str) -> str:
    """Return the URL of a Redis database for each name: no worker is to err."""
    return urlsplit(redis_url)._replace(path=f"/{NAMES.index(name)}").geturl()


@contextmanager
def _ground() -> Iterator[Ground]:
    with ExitStack() as stack:
        enter = stack.enter_context
        folder = Path(enter(tempfile.TemporaryDirectory(prefix="handoff-bench-")))
        yield Ground(
            folder=folder,
            postgres_url=enter(_postgres()),
            redis_url=enter(_redis()),
            servicenow=enter(stand_in(folder)),
            silent=enter(stand_in(folder, name="silent")),
        )


def _warm_up(stage: Stage) -> None:
    relays: tuple[Door, ...] = (stage.handoffs, stage.tutorial, stage.inline)
    for door in relays:
        sent = load.at_once(door.port, calls(door, WARM_UP), threads=8)
        stage.servicenow.count(each.text for each in sent)
    load.at_once(stage.bare.port, calls(stage.bare, WARM_UP), threads=8)


@contextmanager
def _postgres() -> Iterator[str]:
    """Yield the surroundings' server, else one of our own that keeps its promises."""
    if given := os.environ.get("DATABASE_URL"):
        yield given
    else:
        with servers.postgres(durable=True) as url:
            yield url


@contextmanager
def _redis() -> Iterator[str]:
    if given := os.environ.get("REDIS_URL"):
        yield given
    else:
        with servers.redis() as url:
            yield url
