"""What differs between the two directions of a lane."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import uniform
from typing import Protocol, TypeVar

from django.db import InterfaceError, OperationalError
from django.db.models.expressions import Combinable
from django.utils.timezone import now

from handoff.models import Event, Outgoing
from handoff.models.lane import ItemState
from servicenow_auth.exceptions import DeliveryError, NotSent

# A moment, or an expression of the database's clock.
Time = datetime | Combinable
ItemT = TypeVar("ItemT", Outgoing, Event)

BACKOFF_CAP = timedelta(minutes=1)


def backoff(since: datetime | None) -> timedelta:
    """Return a random wait of up to the time that has passed, 1 s to 1 min."""
    passed = (now() - since).total_seconds() if since else 0.0
    ceiling = min(max(passed, 1.0), BACKOFF_CAP.total_seconds())
    return timedelta(seconds=uniform(ceiling / 2, ceiling))  # noqa: S311 - jitter


@contextmanager
def nothing_sent() -> Iterator[None]:
    """Say of trouble with the database, in what comes before a send, what it means."""
    try:
        yield
    except (OperationalError, InterfaceError) as exc:
        raise NotSent("Not sent: the database could not be read.") from exc


class GaveUp(DeliveryError):
    """The item was tried as often, or for as long, as it may be."""


class NotThere(DeliveryError):
    """An item of unknown outcome did not arrive, and no longer can."""


class StillUnknown(DeliveryError):
    """What can be read does not tell yet; `wait` says when it may, if that is known."""

    def __init__(self, detail: str, *, wait: timedelta | None = None) -> None:
        super().__init__(detail)
        self.wait = wait


class NotShown(StillUnknown):
    """A read does not show what we know to be there, so it proves nothing."""


@dataclass(frozen=True)
class Hold:
    """Why nothing of a lane may go now, and when to look again."""

    reason: str
    until: Time


@dataclass(frozen=True)
class Verdict:
    """What a failed attempt means: the item's state, and how long the lane waits.

    Limits are for what is wrong with the item; an attempt that only met a closed door
    does not count towards them.
    """

    state: ItemState
    reason: str
    wait: timedelta | None = None
    counts: bool = True


class Route(Protocol[ItemT]):
    """What differs between the two directions."""

    max_attempts: int
    max_age: timedelta

    def prepare(self) -> None:
        """Do what may take long before anything is promised to be sent."""

    def lock(self) -> None:
        """Take the row locks that come before the lane's in the lock order."""

    def head(self) -> ItemT | None:
        """Return the lane's first unsettled item."""

    def hold(self, item: ItemT) -> Hold | None:
        """Return why the item must wait, if it must."""

    def proven(self, item: ItemT) -> bool:
        """Return whether the far side showed that an ambiguous item arrived."""

    def is_to_be_found(self, item: ItemT) -> bool:
        """Return whether its outcome is unknown and has to be looked up."""

    def find(self, item: ItemT) -> object:
        """Return what `send` would have; NotThere, or why it is not known yet."""

    def unfound(self, item: ItemT, error: DeliveryError) -> Verdict:
        """Return how long an item whose outcome stays unknown has to wait."""

    def send(self, item: ItemT, *, send_before: float) -> object:
        """Carry the item over, or raise a DeliveryError."""

    def judge(self, item: ItemT, error: DeliveryError) -> Verdict:
        """Return what the error means for the item."""

    def is_plain(self, item: ItemT) -> bool:
        """Return whether all that the item brings about, but for what the bot is told,
        concerns its lane alone.
        """

    def may_owe(self) -> bool:
        """Return whether the bot may be told of a plain item later."""

    def owe(self, item: ItemT) -> None:
        """Note on a plain item that arrived what is still to be told of it."""

    def pay(self) -> None:
        """Tell what plain items left to be told, with the locks of `lock`."""

    def bind(self, item: ItemT, result: object) -> None:
        """Note on an item that arrived how it is known there."""

    def sent(self, item: ItemT, result: object) -> None:
        """Write down what follows from the item having arrived."""

    def failed(self, item: ItemT, error: DeliveryError) -> None:
        """Write down what follows from the item having been given up."""
