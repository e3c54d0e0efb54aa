"""The lane to a bot: its events, as signed webhooks, one after the other.

An event that may have arrived is sent again with the same `webhook-id`, by which the
bot knows it. What is wrong with the endpoint as a whole pauses the webhook and costs
the event no attempt. After a pause one lane goes first, and the others wait until it
has been answered: see servicenow_auth.pauses.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial
from random import uniform

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now
from django.utils.timezone import now

from handoff import events, webhooks
from handoff.exceptions import BotGone, BotUnavailable
from handoff.models import BotRuntime, Event, Lane, SigningSecret
from handoff.models.lane import SEEN, UNSETTLED, Direction, ItemState
from handoff.relay.courtesies import ring_receipt
from handoff.relay.due import wake
from handoff.relay.routes import Hold, Verdict
from servicenow_auth import transport
from servicenow_auth.addresses import is_listed
from servicenow_auth.exceptions import DeliveryError, SealBroken
from servicenow_auth.pauses import MARGIN

UNAVAILABLE = "webhook_unavailable"
MAX_REJECTIONS = 5
SCHEDULE = [
    timedelta(seconds=seconds) for seconds in (5, 30, 120, 600, 1800, 3600, 7200)
]


class ToBot:
    max_attempts = 100
    max_age = timedelta(hours=72)

    def __init__(self, lane: Lane, session: transport.Session) -> None:
        self.lane = lane
        self.session = session
        self.goes_first = False

    def prepare(self) -> None:
        """Nothing takes long here."""

    def lock(self) -> None:
        """Nothing comes before this lane: what it writes about is locked after it."""

    def head(self) -> Event | None:
        return (
            Event.objects.filter(lane=self.lane, state__in=UNSETTLED)
            .select_related("bot__runtime", "message")
            .annotate(**SEEN)
            .order_by("sequence")
            .first()
        )

    def hold(self, item: Event) -> Hold | None:
        if not item.bot.runtime.webhook_paused_until or self._may_go_first():
            return None
        ends_at = self._runtime().values_list("webhook_paused_until", flat=True).get()
        return Hold(reason=UNAVAILABLE, until=ends_at) if ends_at else None

    def _may_go_first(self) -> bool:
        """Move the end of a pause that is over: whoever does that, goes first."""
        until = Now() + settings.REQUEST_DEADLINE + MARGIN
        over = self._runtime().filter(webhook_paused_until__lte=Now())
        self.goes_first |= bool(over.update(webhook_paused_until=until))
        return self.goes_first

    def proven(self, item: Event) -> bool:
        """Tell nothing: a bot shows by its answer alone what it has."""
        return False

    def is_to_be_found(self, item: Event) -> bool:
        """Never: an event is sent again, and the bot knows it by its `webhook-id`."""
        return False

    def find(self, item: Event) -> None:
        """Find nothing: see `is_to_be_found`."""

    def unfound(self, item: Event, error: DeliveryError) -> Verdict:
        return self.judge(item, error)

    def send(self, item: Event, *, send_before: float) -> None:
        bot = item.bot
        if not bot.webhook_url or bot.runtime.webhook_disabled_at:
            raise BotGone("The webhook is switched off; the feed has the event.")
        try:
            secrets = bot.signing_secrets.reveal(SigningSecret.Purpose.WEBHOOK)
        except SealBroken as exc:
            raise BotUnavailable(exc.detail) from exc
        endpoint = webhooks.Endpoint(
            url=bot.webhook_url,
            secrets=secrets,
            trusted=is_listed(bot.webhook_url, settings.WEBHOOK_EXTRA_ORIGINS),
        )
        webhooks.post(
            endpoint,
            item.payload,
            deadline=settings.REQUEST_DEADLINE.total_seconds(),
            send_before=send_before,
            session=self.session,
        )

    def judge(self, item: Event, error: DeliveryError) -> Verdict:
        if isinstance(error, BotUnavailable):
            wait = self._pause(item, error)
            return Verdict(ItemState.SENDING, UNAVAILABLE, wait, counts=False)
        self._answered(item)
        if isinstance(error, BotGone):
            return Verdict(ItemState.FAILED, "webhook_disabled")
        if item.attempts >= MAX_REJECTIONS:
            return Verdict(ItemState.FAILED, "rejected")
        return Verdict(ItemState.SENDING, "rejected", _wait(item.attempts))

    def _pause(self, item: Event, error: BotUnavailable) -> timedelta:
        """Pause the webhook; of many lanes that met the same trouble one counts."""
        wait = _wait(item.bot.runtime.webhook_failures + 1)
        if error.retry_after is not None:
            wait = timedelta(seconds=error.retry_after)
        running = Q(webhook_paused_until=None) | Q(webhook_paused_until__lte=Now())
        runtime = self._runtime()
        if not self.goes_first:
            runtime = runtime.filter(running)
        runtime.update(
            webhook_failures=F("webhook_failures") + 1,
            webhook_paused_until=Now() + wait,
            webhook_error=str(error)[:300],
        )
        return wait

    def is_plain(self, item: Event) -> bool:
        """Never: it takes no other locks beforehand."""
        return False

    def may_owe(self) -> bool:
        return False

    def owe(self, item: Event) -> None:
        """Nothing is told later."""

    def pay(self) -> None:
        """Nothing is told later."""

    def bind(self, item: Event, result: object) -> None:
        """A bot knows it by the id that it has."""

    def sent(self, item: Event, result: object) -> None:
        ring_receipt(item)
        self._answered(item)

    def _answered(self, item: Event) -> None:
        """Let the webhook's other lanes go on, if they waited for this answer."""
        if item.bot.runtime.webhook_failures:
            self._runtime().update(
                webhook_failures=0, webhook_paused_until=None, webhook_error=""
            )
            self.goes_first = False
            waiting = Lane.objects.filter(
                bot=self.lane.bot_id,
                direction=Direction.TO_BOT,
                stalled_reason=UNAVAILABLE,
            )
            transaction.on_commit(partial(wake, waiting), robust=True)

    def failed(self, item: Event, error: DeliveryError) -> None:
        ring_receipt(item)
        if not isinstance(error, BotGone) or not item.bot.webhook_url:
            return
        # Its own lane before its runtime, as everywhere: see handoff.lifecycle.
        own = Lane.objects.filter(bot=item.bot_id, handoff=None)
        own.select_for_update(no_key=True).get()
        switched_off = (
            self._runtime()
            .filter(webhook_disabled_at=None)
            .update(webhook_disabled_at=now(), webhook_error=str(error)[:300])
        )
        if switched_off:
            events.emit_for_bot(item.bot, "webhook.disabled", {"reason": str(error)})

    def _runtime(self) -> QuerySet[BotRuntime]:
        return BotRuntime.objects.filter(bot=self.lane.bot_id)


def _wait(failures: int) -> timedelta:
    """Return the schedule's wait after so many failures, give or take a fifth."""
    step = SCHEDULE[min(failures, len(SCHEDULE)) - 1]
    return step * uniform(0.8, 1.2)  # noqa: S311 - jitter


@contextmanager
def open_route(lane: Lane) -> Iterator[ToBot]:
    """Open one connection to the bot's webhook, for the time of a drain."""
    with transport.Session() as session:
        yield ToBot(lane, session)
