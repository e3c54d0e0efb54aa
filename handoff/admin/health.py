"""How a bot fares: a few lines for the person who asks why nothing arrives."""

from dataclasses import replace

from django.db.models import QuerySet
from django.utils.timesince import timesince

from handoff import chat_systems
from handoff.models import Bot, BotRuntime, Callback, Event, Outgoing
from handoff.models.bot import WithoutAgent
from handoff.models.lane import UNSETTLED, ItemState
from handoff.relay.looking import MAX_LOOKS
from handoff.relay.reconciling import NOT_SURVIVED, interval
from handoff.relay.to_servicenow import UNREADABLE
from servicenow_auth.status import StatusLine, status_line


def status(bot: Bot) -> StatusLine:
    """Return where the bot stands with ServiceNow, in one line."""
    line = status_line(bot.connection.runtime)
    trouble = _trouble(bot) if line.level == "success" else ""
    return replace(line, level="warning", text=line.text + trouble) if trouble else line


def _trouble(bot: Bot) -> str:
    """Return what goes on after *connected as …* where not all is well."""
    if _unread(bot):
        return ", which may not read what it has sent: see Health"
    if bot.runtime.reading_error == NOT_SURVIVED:
        return f". {NOT_SURVIVED}"
    if bot.runtime.reading_error:
        return ", which may not read its chats: see Health"
    if since := _polls_since(bot):
        return f". {since}"
    return ""


def of(bot: Bot) -> list[tuple[str, str]]:
    """Return label and finding, the most telling first."""
    return [
        ("ServiceNow", status_line(bot.connection.runtime).text),
        ("Calls to ServiceNow", _calls(bot)),
        ("Oldest item waiting for ServiceNow", _oldest(_outgoing(bot))),
        ("Items whose delivery is uncertain", str(_ambiguous(bot))),
        ("Reading back what became of them", _read_back(bot)),
        ("Items found in ServiceNow twice", _doubled(bot)),
        ("Incidents where no agent came", _incidents(bot)),
        ("Webhook", _webhook(bot)),
        ("Oldest event waiting for the bot", _oldest(bot.events.all())),
        ("Last callback", _last_callback(bot)),
        ("Reading what callbacks did not tell", _reading(bot)),
        ("Conversations that are no longer read", _set_aside(bot)),
    ]


def webhook_rests(bot: Bot) -> bool:
    """Tell whether events wait, or no longer go out, until somebody acts."""
    runtime = bot.runtime
    rests = runtime.webhook_disabled_at or runtime.webhook_pause_ends_at
    return bool(bot.webhook_url and rests)


def _calls(bot: Bot) -> str:
    runtime = bot.connection.runtime
    found = "Not paused"
    if ends_at := runtime.pause_ends_at:
        found = f"Paused until {ends_at:%H:%M:%S} UTC: {runtime.pause_reason}"
    if runtime.failures:
        found += f" ({runtime.failures} failed in a row)"
    if runtime.calls_allowed is not None:
        found += f". {runtime.calls_allowed} at a time, since ServiceNow refused more"
    return found


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


def _unread(bot: Bot) -> int:
    waiting = bot.lanes.filter(wake_at__isnull=False)
    return waiting.filter(stalled_reason=UNREADABLE).count()


def _read_back(bot: Bot) -> str:
    count = _unread(bot)
    if not count:
        return "Nothing hinders it"
    user_name = bot.connection.runtime.user_name
    tables = " and ".join(chat_systems.traits(bot).tables)
    waiting = "1 conversation waits" if count == 1 else f"{count} conversations wait"
    return (
        f"{waiting}: ServiceNow does not show {user_name} what it has"
        f" sent. Let it read its own chats and their messages, {tables}; they go on by"
        " themselves then."
    )


def _doubled(bot: Bot) -> str:
    count = _outgoing(bot).exclude(duplicates=[]).count()
    if not count:
        return "None"
    return f"{count}: ServiceNow applied a call later than SETTLE_TIME allows for"


def _incidents(bot: Bot) -> str:
    if bot.without_agent != WithoutAgent.INCIDENT:
        return "Not wanted"
    tickets = _outgoing(bot).filter(kind=Outgoing.Kind.TICKET)
    last = tickets.exclude(settled_at=None).order_by("settled_at").last()
    if last is None or last.settled_at is None:
        return "None yet"
    age = timesince(last.settled_at, depth=1)
    if last.state == ItemState.FAILED:
        return f"Not created, {age} ago: {last.last_error}"
    return f"Created, {age} ago"


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


def _reading(bot: Bot) -> str:
    runtime = bot.runtime
    if not chat_systems.traits(bot).can_read:
        return "Agent Chat cannot be read: what its callbacks do not tell is not known"
    if runtime.reading_error == NOT_SURVIVED:
        return NOT_SURVIVED
    if runtime.reading_error:
        user_name = bot.connection.runtime.user_name
        tables = " and ".join(chat_systems.traits(bot).tables)
        return (
            f"{runtime.reading_error} Let {user_name} read its own rows of {tables}."
            " Until then each conversation is read by itself."
        )
    if runtime.reconcile_at is None:
        return "Not now: nothing is open"
    return _polls_since(bot) or _how_often(runtime)


def _how_often(runtime: BotRuntime) -> str:
    every = f"Every {interval(runtime).total_seconds():g} s"
    if runtime.callbacks_work_since:
        since = f"{runtime.callbacks_work_since:%Y-%m-%d %H:%M} UTC"
        return f"{every}: callbacks have told all since {since}"
    if runtime.recovered_at:
        last = f"{runtime.recovered_at:%Y-%m-%d %H:%M} UTC"
        return f"{every}: at {last} something was found that no callback had told"
    return every


def _polls_since(bot: Bot) -> str:
    """Say it where no callback comes and all that is told is read."""
    runtime, last = bot.runtime, Callback.objects.filter(bot=bot).first()
    if runtime.reconcile_at is None or runtime.callbacks_work_since is not None:
        return ""
    if runtime.recovered_at is None:
        return ""
    if last is not None and last.received_at > runtime.recovered_at:
        return ""
    ever = f"since {last.received_at:%Y-%m-%d %H:%M} UTC" if last else "yet"
    seconds = interval(runtime).total_seconds()
    return f"No callback has come {ever}: messages are fetched every {seconds:g} s"


def _set_aside(bot: Bot) -> str:
    count = bot.handoffs.open().filter(looks__gt=MAX_LOOKS).count()
    if not count:
        return "None"
    return f"{count}: {MAX_LOOKS} reads in a row broke off. Callbacks are relayed"


def _last_callback(bot: Bot) -> str:
    callback = Callback.objects.filter(bot=bot).first()
    if callback is None:
        return "None yet"
    age = timesince(callback.received_at, depth=1)
    return f"{age} ago, {callback.get_state_display().lower()}"
