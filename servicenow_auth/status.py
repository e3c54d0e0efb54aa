"""Where a connection stands, in one line for people."""

from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone

from servicenow_auth.models import ConnectionRuntime, State

TIME = "%Y-%m-%d %H:%M UTC"
REFRESH_TOKEN_WARNING = timedelta(days=14)


@dataclass(frozen=True, kw_only=True)
class StatusLine:
    """`level` is `success`, `warning` or `error`."""

    level: str
    text: str


def status_line(runtime: ConnectionRuntime) -> StatusLine:
    why = f": {runtime.detail}" if runtime.detail else ""
    if runtime.state == State.NEEDS_REAUTHORIZATION:
        since = f"{runtime.state_since:{TIME}}"
        return StatusLine(
            level="error", text=f"Needs re-authorization since {since}{why}"
        )
    if runtime.state == State.NOT_AUTHORIZED:
        return StatusLine(level="warning", text=f"Not authorized{why}")
    if runtime.detail:
        since = (
            f" since {runtime.failing_since:{TIME}}" if runtime.failing_since else ""
        )
        return StatusLine(level="error", text=f"Host unreachable{since}{why}")
    ends = runtime.refresh_expires_at
    if ends is not None and ends - timezone.now() < REFRESH_TOKEN_WARNING:
        days = max((ends - timezone.now()).days, 0)
        return StatusLine(level="warning", text=f"Refresh token ends in {days} days")
    return StatusLine(level="success", text=f"Ready, connected as {runtime.user_name}")
