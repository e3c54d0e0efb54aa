"""A chat of the instance whose switches the tests of faults move."""

import time
from dataclasses import dataclass
from typing import Any

import requests

from tests.sandbox.instance import AGENT, BOT, Instance


@dataclass(frozen=True)
class Chat:
    """A conversation that an agent has accepted."""

    instance: Instance
    group: str

    @property
    def path(self) -> str:
        return f"/api/now/connect/conversations/{self.group}/messages"

    def say(self, text: str, **options: Any) -> requests.Response:
        """Say something as the integration user, whatever is answered."""
        given = {"auth": BOT, "json": {"message": text}} | options
        return self.instance.call("POST", self.path, **given)

    def agent_says(self, text: str) -> None:
        self.instance.say(self.group, text, auth=AGENT)

    def written(self) -> list[str]:
        """Return what really stands there, as an administrator sees it."""
        rows = self.instance.table("live_message", sysparm_query=f"group={self.group}")
        return [row["message"] for row in rows]

    def struck(self) -> dict[str, int]:
        """Return which faults have struck, and how often."""
        found = self.instance.call("GET", "/sandbox/api/faults").json()["faults"]
        return {name: count for name, count in found.items() if count}


def open_chat(instance: Instance) -> Chat:
    group = instance.start("Hello")["group"]
    instance.accept()
    return Chat(instance, group)


class Stopwatch:
    def __init__(self) -> None:
        self.started = time.monotonic()

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.started
