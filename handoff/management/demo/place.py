"""Where a demo lives: its folder, ports, keys, and what its processes are told."""

import base64
import hashlib
import os
import secrets
import shutil
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

from handoff.management.demo.ports import HOST, CannotStart, Ports

ROOT = Path(__file__).resolve().parents[3]
_KEYS = ("SECRET_KEY", "FIELD_ENCRYPTION_KEYS", "DJANGO_SUPERUSER_PASSWORD")


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
    def bot(self) -> str:
        return f"http://{HOST}:{self.ports.bot}"

    @property
    def password(self) -> str:
        """Return the administrator's; it is worth as much as this demo."""
        return self.keys["DJANGO_SUPERUSER_PASSWORD"]

    @property
    def is_set_up(self) -> bool:
        return self._set_up.exists()

    @property
    def bot_page(self) -> str:
        """Return the address of the page of this demo's bot."""
        return self._set_up.read_text(encoding="utf-8")

    def mark_set_up(self, *, bot_page: str) -> None:
        self._set_up.write_text(bot_page, encoding="utf-8")

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
            # The second is where examples/bot.py listens.
            "WEBHOOK_EXTRA_ORIGINS": f"{self.bot},http://{HOST}:8030",
            "BROKER_DIR": str(self.folder / "broker"),
            "DATABASE_URL": os.environ.get("DATABASE_URL") or own,
            "REDIS_URL": os.environ.get("REDIS_URL", ""),
        }

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
    if kept and _ports_in(kept).are_taken:
        raise CannotStart(f"The demo in {folder} is still running: end it first.")
    _remove(folder)
    return Place(folder=folder, ports=ports, keys=_new_keys())


def kept_place(folder: Path) -> Place | None:
    """Return the demo that was set up in the folder, if one was, to its end."""
    kept = _read_environment(folder)
    if not kept:
        return None
    keys = {name: kept[name] for name in _KEYS}
    place = Place(folder=folder, ports=_ports_in(kept), keys=keys)
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


def _ports_in(kept: dict[str, str]) -> Ports:
    urls = ("PUBLIC_URL", "SERVICENOW_EXTRA_ORIGINS", "WEBHOOK_EXTRA_ORIGINS")
    return Ports(*(urlsplit(kept[url].split(",")[0]).port or 0 for url in urls))


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
