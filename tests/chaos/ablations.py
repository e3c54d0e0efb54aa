"""The relay without one of its rules, to see that the judge notices.

Only a process of the tests calls this; the product has no such switch.
"""

from collections.abc import Callable

from django.conf import settings

from handoff.models import Outgoing
from handoff.relay.routes import NotThere
from handoff.relay.to_servicenow import ToServiceNow


def without_read_back() -> None:
    """Take an item of unknown outcome for one that did not arrive."""

    def find_nothing(route: ToServiceNow, item: Outgoing) -> None:
        raise NotThere("Nobody looked.")

    setattr(ToServiceNow, "find", find_nothing)  # noqa: B010 - mypy lets nobody else


def without_settle() -> None:
    """Believe a read at once, though an earlier attempt may still be applied."""
    settings.SETTLE_TIME = -2 * settings.REQUEST_DEADLINE


WITHOUT: dict[str, Callable[[], None]] = {
    "read_back": without_read_back,
    "settle": without_settle,
}
