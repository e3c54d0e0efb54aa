"""How long a lane to ServiceNow waits for what nobody announces."""

from datetime import timedelta
from random import uniform

from handoff.models import Outgoing

# The agent's coming wakes the lane; this is for a wake-up that was lost.
AGENT_WAIT = timedelta(minutes=2)
AUTHORIZATION_WAIT = timedelta(minutes=10)
FIRST_LOOK = timedelta(seconds=2)
LAST_LOOK = timedelta(minutes=5)


def look_again_after(item: Outgoing) -> timedelta:
    """Return as long again as has passed."""
    age = item.seen_at - (item.attempt_started_at or item.created_at)
    return min(max(age, FIRST_LOOK), LAST_LOOK)


def authorization_wait() -> timedelta:
    """Return how long to wait, apart from others, if no new authorization wakes us."""
    return AUTHORIZATION_WAIT * uniform(1, 1.5)  # noqa: S311 - jitter
