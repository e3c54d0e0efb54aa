"""How a bot fares: a few lines for the person who asks why nothing arrives."""

from django.db.models import QuerySet
from django.utils.timesince import timesince

from handoff.models import Bot, Callback, Event, Outgoing
from handoff.models.lane import UNSETTLED, ItemState
from servicenow_auth.status import status_line


def of(bot: Bot) -> list[tuple[str, str]]:
    """Return label and finding, the most telling first."""
    return [
        ("ServiceNow", status_line(bot.connection.runtime).text),
        ("Calls to ServiceNow", _pause_of_connection(bot)),
        ("Oldest item waiting for ServiceNow", _oldest(_outgoing(bot))),
        ("Items whose delivery is uncertain", str(_ambiguous(bot))),
        ("Items found in ServiceNow twice", str(_doubled(bot))),
        ("Webhook", _webhook(bot)),
        ("Oldest event waiting for the bot", _oldest(bot.events.all())),
        ("Last callback", _last_callback(bot)),
    ]


def webhook_rests(bot: Bot) -> bool:
    """Tell whether events wait, or no longer go out, until somebody acts."""
    runtime = bot.runtime
    rests = runtime.webhook_disabled_at or runtime.webhook_pause_ends_at
    return bool(bot.webhook_url and rests)


def _pause_of_connection(bot: Bot) -> str:
    runtime = bot.connection.runtime
    if ends_at := runtime.pause_ends_at:
        return f"Paused until {ends_at:%H:%M:%S} UTC: {runtime.pause_reason}"
    return "Not paused"


def _outgoing(bot: Bot) -> QuerySet[Outgoing]:
    return Outgoing.objects.filter(lane__bot=bot)


def _oldest(items: QuerySet[Outgoing] | QuerySet[Event]) -> str:
    waiting = items.filter(state__in=UNSETTLED)
    item = waiting.order_by("created_at").first()
    if item is None:
        return "None"
    why = f": {item.last_error}" if item.last_error else ""
    return f"For {timesince(item.created_at, depth=1)}{why}"


def _ambiguous(bot: Bot) -> int:
    sending = _outgoing(bot).filter(state=ItemState.SENDING)
    return sending.exclude(last_error="").count()


def _doubled(bot: Bot) -> int:
    return _outgoing(bot).exclude(duplicates=[]).count()


def _webhook(bot: Bot) -> str:
    runtime = bot.runtime
    if not bot.webhook_url:
        return "None: the bot reads the feed"
    why = f": {runtime.webhook_error}" if runtime.webhook_error else ""
    if runtime.webhook_disabled_at:
        since = f"{runtime.webhook_disabled_at:%Y-%m-%d %H:%M} UTC"
        return f"Switched off since {since}{why}"
    if ends_at := runtime.webhook_pause_ends_at:
        return f"Paused until {ends_at:%H:%M:%S} UTC{why}"
    return f"{runtime.webhook_failures} failures in a row{why}" if why else "Working"


def _last_callback(bot: Bot) -> str:
    callback = Callback.objects.filter(bot=bot).first()
    if callback is None:
        return "None yet"
    age = timesince(callback.received_at, depth=1)
    return f"{age} ago, {callback.get_state_display().lower()}"
