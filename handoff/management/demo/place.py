"""Where a demo lives: its folder, ports, keys, and what its processes are told."""

import base64
import hashlib
import os
import secrets
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from urllib.parse import quote, urlsplit

from handoff.management.demo.ports import HOST, CannotStart, Ports, are_taken

ROOT = Path(__file__).resolve().parents[3]
_KEYS = ("SECRET_KEY", "FIELD_ENCRYPTION_KEYS", "DJANGO_SUPERUSER_PASSWORD")


@dataclass(frozen=True)
class DemoBot:
    """One of the two chatbots, named after the chat system that it hands over to."""

    system: str
    port: int

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def name(self) -> str:
        return f"{self.system} demo"

    @property
    def program(self) -> str:
        """Return what its process, its folder and its log are called."""
        return f"{self.system.lower().replace(' ', '-')}-bot"


@dataclass(frozen=True)
class Place:
    folder: Path
    ports: Ports
    keys: dict[str, str]

    @property
    def web(self) -> str:
        return f"http://{HOST}:{self.ports.web}"

    @property
    def sandbox(self) -> str:
        return f"http://{HOST}:{self.ports.sandbox}"

    @property
    def connect_support(self) -> DemoBot:
        return DemoBot("Connect Support", self.ports.bot)

    @property
    def agent_chat(self) -> DemoBot:
        return DemoBot("Agent Chat", self.ports.second_bot)

    @property
    def bots(self) -> tuple[DemoBot, DemoBot]:
        return self.connect_support, self.agent_chat

    @property
    def password(self) -> str:
        """Return the administrator's; it is worth as much as this demo."""
        return self.keys["DJANGO_SUPERUSER_PASSWORD"]

    @property
    def is_set_up(self) -> bool:
        return self._set_up.exists()

    @property
    def bot_pages(self) -> list[str]:
        """Return the addresses of the admin's pages of the bots, in their order."""
        return self._set_up.read_text(encoding="utf-8").split()

    def mark_set_up(self, *, bot_pages: Sequence[str]) -> None:
        self._set_up.write_text("\n".join(bot_pages), encoding="utf-8")

    @property
    def _set_up(self) -> Path:
        return self.folder / "set_up"

    def environment(self) -> dict[str, str]:
        """Return the product's environment; a database or Redis set outside wins."""
        own = f"sqlite:///{quote(str(self.folder / 'handoff.sqlite3'))}"
        return self.keys | {
            "DEMO": "1",
            "DJANGO_SETTINGS_MODULE": "config.settings",
            "PUBLIC_URL": self.web,
            "ALLOWED_HOSTS": f"{HOST},localhost",
            "SERVICENOW_EXTRA_ORIGINS": self.sandbox,
            "WEBHOOK_EXTRA_ORIGINS": ",".join(self._webhook_origins()),
            "BROKER_DIR": str(self.folder / "broker"),
            "DATABASE_URL": os.environ.get("DATABASE_URL") or own,
            "REDIS_URL": os.environ.get("REDIS_URL", ""),
        }

    def _webhook_origins(self) -> list[str]:
        # The last is where examples/bot.py listens.
        return [*(bot.url for bot in self.bots), f"http://{HOST}:8030"]

    def prepare(self) -> None:
        """Make the folder; doorbells of the last run ring for nobody."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._write_environment()
        shutil.rmtree(self.folder / "broker", ignore_errors=True)
        for name in ("broker/control", "logs"):
            (self.folder / name).mkdir(parents=True, exist_ok=True)

    def _write_environment(self) -> None:
        """Keep what must be the same next time; a stop halfway leaves the old file."""
        lines = [f"{name}={value}\n" for name, value in self.environment().items()]
        draft = self.folder / "env.draft"
        draft.touch(mode=0o600)
        draft.write_text("".join(lines), encoding="utf-8")
        draft.rename(self.folder / "env")


def new_place(*, folder: Path, ports: Ports) -> Place:
    """Forget what lies in the folder, once it is sure that a demo can start there."""
    ports.check()
    kept = _read_environment(folder)
    if kept and are_taken(_ports_in(kept)):
        raise CannotStart(f"The demo in {folder} is still running: end it first.")
    _remove(folder)
    return Place(folder=folder, ports=ports, keys=_new_keys())


def kept_place(folder: Path) -> Place | None:
    """Return the demo that was set up in the folder, if one was, to its end."""
    kept = _read_environment(folder)
    if not kept:
        return None
    ports = _ports_in(kept)
    if len(ports) != len(fields(Ports)):
        raise CannotStart(
            f"The demo in {folder} is an earlier version's. Start over with --fresh."
        )
    keys = {name: kept[name] for name in _KEYS}
    place = Place(folder=folder, ports=Ports(*ports), keys=keys)
    if place.environment()["DATABASE_URL"] != kept["DATABASE_URL"]:
        raise CannotStart(
            f"The demo in {folder} was set up with another DATABASE_URL."
            " Set the same one, or start over with --fresh."
        )
    return place if place.is_set_up else None


def _read_environment(folder: Path) -> dict[str, str]:
    path = folder / "env"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    return dict(line.split("=", 1) for line in lines)


def _ports_in(kept: dict[str, str]) -> list[int]:
    names = ("PUBLIC_URL", "SERVICENOW_EXTRA_ORIGINS", "WEBHOOK_EXTRA_ORIGINS")
    origins = ",".join(kept[name] for name in names).split(",")
    # The last one is not a process of the demo's.
    return [urlsplit(origin).port or 0 for origin in origins[:-1]]


def _remove(folder: Path) -> None:
    """Remove what a demo made, and never a folder that was somebody's before."""
    if (folder / "env").exists():
        shutil.rmtree(folder)
    elif folder.exists() and any(folder.iterdir()):
        raise CannotStart(f"{folder} holds other files than a demo's.")


def _new_keys() -> dict[str, str]:
    # A database set outside outlives this folder: the next demo must be able to read
    # what this one sealed in it.
    database = os.environ.get("DATABASE_URL")
    seed = database.encode() if database else os.urandom(32)
    values = (
        secrets.token_urlsafe(50),
        base64.urlsafe_b64encode(hashlib.sha256(seed).digest()).decode(),
        secrets.token_urlsafe(9),
    )
    return dict(zip(_KEYS, values, strict=True))
