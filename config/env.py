"""Read settings from the environment, each also from the file in `<NAME>_FILE`."""

from collections.abc import Callable
from functools import partialmethod
from math import isfinite
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import environ
from django.core.exceptions import ImproperlyConfigured
from environ.fileaware_mapping import FileAwareMapping

BASE_DIR = Path(__file__).resolve().parent.parent

ON, OFF = ("true", "on", "yes", "1"), ("false", "off", "no", "0")
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


class LineFiles(FileAwareMapping):  # type: ignore[misc]  # environ ships no types
    """Drop the line break that editors leave at a file's end: no secret has one."""

    def __getitem__(self, name: str) -> str:
        try:
            value: str = super().__getitem__(name)
        except (OSError, UnicodeDecodeError):
            raise ImproperlyConfigured(
                f"{name}_FILE must be the path of a file of text that can be read."
            ) from None
        return value.rstrip("\r\n")


def number(value: str) -> float:
    found = float(value)
    if not isfinite(found) or found < 0:
        raise ValueError
    return found


def switch(value: str) -> bool:
    if value.lower() not in (*ON, *OFF):
        raise ValueError
    return value.lower() in ON


def log_level(value: str) -> str:
    if value not in LOG_LEVELS:
        raise ValueError
    return value


def web_address(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError
    return value.rstrip("/")


def redis_address(value: str) -> str:
    if value and urlsplit(value).scheme not in ("redis", "rediss", "redis+socket"):
        raise ValueError
    return value


def database_entry(value: str) -> dict[str, Any]:
    if urlsplit(value).scheme not in ("postgres", "postgresql", "sqlite"):
        raise ValueError
    entry: dict[str, Any] = environ.Env.db_url_config(value)
    if not entry["NAME"]:
        raise ValueError
    return entry


# How each kind of value is read, and what it has to be.
KINDS: dict[Any, tuple[Callable[[str], Any], str]] = {
    int: (int, "a whole number"),
    float: (number, "a number, 0 or more"),
    bool: (switch, "true or false"),
    log_level: (log_level, "DEBUG, INFO, WARNING or ERROR"),
    web_address: (web_address, "an address like https://handoff.example.com"),
    redis_address: (redis_address, "an address like redis://localhost:6379/0"),
    database_entry: (
        database_entry,
        "an address like postgres://user:password@localhost:5432/name, with %XX for"
        " what is not a letter or a digit in the password, or sqlite:////path/of/file",
    ),
}


class Environment(environ.FileAwareEnv):  # type: ignore[misc]  # environ ships no types
    """Name a setting that cannot be used, and its cure; its value may be a secret."""

    ENVIRON = LineFiles()

    def get_value(
        self,
        var: str,
        cast: Any = None,
        default: Any = environ.Env.NOTSET,
        parse_default: bool = False,
    ) -> Any:
        """Return a setting as it stands: one that begins with $ names no other."""
        if var in self.ENVIRON:
            value = self.ENVIRON[var]
        elif default is self.NOTSET:
            raise ImproperlyConfigured(f"{var} must be set: see .env.example.")
        elif parse_default:
            value = default
        else:
            return default
        return self._parse(var, value, cast=cast)

    def _parse(self, var: str, value: str, *, cast: Any) -> Any:
        if cast not in KINDS:
            return self.parse_value(value, cast)
        parse, wanted = KINDS[cast]
        try:
            return parse(value)
        except ValueError:
            raise ImproperlyConfigured(f"{var} must be {wanted}.") from None

    log_level = partialmethod(get_value, cast=log_level)
    web_address = partialmethod(get_value, cast=web_address)
    redis_address = partialmethod(get_value, cast=redis_address)
    database = partialmethod(get_value, cast=database_entry, parse_default=True)


env = Environment()
env.read_env(BASE_DIR / ".env")
