"""Read settings from the environment, each also from the file in `<NAME>_FILE`."""

from pathlib import Path

import environ
from environ.fileaware_mapping import FileAwareMapping

BASE_DIR = Path(__file__).resolve().parent.parent


class LineFiles(FileAwareMapping):  # type: ignore[misc]  # environ ships no types
    """Drop the line break that editors leave at a file's end: no secret has one."""

    def __getitem__(self, name: str) -> str:
        value: str = super().__getitem__(name)
        return value.rstrip("\r\n")


env = environ.FileAwareEnv()
env.ENVIRON = LineFiles()
env.read_env(BASE_DIR / ".env")
