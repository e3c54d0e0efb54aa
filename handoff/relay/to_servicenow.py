"""The lane to ServiceNow: open the conversation, send each message, leave it."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from django.conf import settings
from django.db.models.functions import Now
from django.utils.timezone import now

from handoff import chat_systems, doorbell, lifecycle
from handoff.chat_systems import Observation, UploadUnclear
from handoff.incidents import Created
from handoff.models import Handoff, Lane, Outgoing
from handoff.models.handoff import EndedBy, Reason
from handoff.models.lane import DOOR, SEEN, UNSETTLED, ItemState
from handoff.relay import leaving, reconciling, speaking, ticket
from handoff.relay.finding import Search
from handoff.relay.observing import observe
from handoff.relay.owing import Debt
from handoff.relay.routes import (
    Hold,
    NotShown,
    StillUnknown,
    Verdict,
    backoff,
    nothing_sent,
)
from handoff.relay.waits import (
    AGENT_WAIT,
    FIRST_LOOK,
    authorization_wait,
    look_again_after,
)
from servicenow_auth.client import Instance
from servicenow_auth.exceptions import (
    Ambiguous,
    DeliveryError,
    Rejected,
    Throttled,
    Unauthorized,
)
from servicenow_auth.models import State as AuthorizationState

# Reasons why a lane waits, as shown and as told when a wait times out.
UNREACHABLE = "unreachable"
THROTTLED = "throttled"
UNAUTHORIZED = "authorization_required"
AMBIGUOUS = "ambiguous"
UNREADABLE = "unreadable"
NO_AGENT_YET = "waiting_for_agent"

# Tries of one upload: two to three minutes of them.
MAX_UPLOADS = 10
OUTCOME_UNKNOWN = "The outcome is unknown: the worker stopped before recording it."


class ToServiceNow:
    max_attempts = settings.MAX_ATTEMPTS
    max_age = settings.MAX_AGE

    handoff: Handoff  # as it was when it was locked last

    def __init__(self, lane: Lane, *, instance: Instance) -> None:
        self.lane = lane
        self.instance = instance
        self.chat_system = chat_systems.connect(lane.bot, instance)
        # A lease that was not given back: its owner may have died owing.
        # Made once: a drain asks for each item.
        self._unsettled = (
            Outgoing.objects.filter(lane=lane, state__in=UNSETTLED)
            .select_related("message")
            .defer("message__text", "message__html", "message__links")
            .annotate(**SEEN, **DOOR)
            .order_by("sequence")
        )
        self.debt = Debt(is_inherited=lane.lease_until is not None)

    def prepare(self) -> None:
        """Refresh the token now: within a send it could outlast the lease."""
        if self.lane.bot.connection.runtime.paused_until is None:
            with suppress(DeliveryError):  # the send will meet it again, and be judged
                self.instance.authorize()

    def lock(self) -> None:
        if self.lane.handoff_id is not None:
            self.handoff = lifecycle.lock(self.lane.handoff_id, bot=self.lane.bot)

    def head(self) -> Outgoing | None:
        found = list(self._unsettled.all()[:2])
        self.is_followed = len(found) > 1
        for item in found:
            item.lane = self.lane
        return found[0] if found else None

    def hold(self, item: Outgoing) -> Hold | None:
        is_unknown = item.state == ItemState.SENDING
        if is_unknown and not (self.is_to_be_found(item) or self._may_repeat(item)):
            return self._hold_ambiguous(item)
        if item.door_state != AuthorizationState.READY:
            return Hold(reason=UNAUTHORIZED, until=Now() + authorization_wait())
        is_message = item.kind == Outgoing.Kind.MESSAGE
        if is_message and lifecycle.waits_for_agent(self.handoff):
            return Hold(reason=NO_AGENT_YET, until=Now() + AGENT_WAIT)
        # Last: who goes first after a pause must not wait for anything else.
        if item.door_paused_until and (ends_at := self.instance.rests_until()):
            reason = UNREACHABLE if item.door_failures else THROTTLED
            return Hold(reason=reason, until=ends_at)
        return None

    def proven(self, item: Outgoing) -> bool:
        """Tell it of what ServiceNow named since, or a file that it fetched."""
        if item.kind == Outgoing.Kind.START:
            return self.handoff.heard_at is not None
        is_message = item.kind == Outgoing.Kind.MESSAGE
        if is_message and item.sequence <= self.handoff.heard_sequence:
            return True
        return item.attachment is not None and item.attachment.fetched_at is not None

    def _may_repeat(self, item: Outgoing) -> bool:
        is_end = item.kind == Outgoing.Kind.END
        return is_end and self.chat_system.traits.end_may_repeat

    def _hold_ambiguous(self, item: Outgoing) -> Hold:
        """Wait: the item must not be sent a second time on a guess."""
        if not item.last_error:
            item.last_error = OUTCOME_UNKNOWN
            item.save(update_fields=["last_error"])
        return Hold(reason=AMBIGUOUS, until=Now() + look_again_after(item))

    def is_to_be_found(self, item: Outgoing) -> bool:
        return item.state == ItemState.SENDING and self._search.can_find(item)

    def find(self, item: Outgoing) -> Observation | Created | str | None:
        return self._search.find(item)

    @property
    def _search(self) -> Search:
        return Search(
            handoff=self.handoff, chat_system=self.chat_system, instance=self.instance
        )

    def unfound(self, item: Outgoing, error: DeliveryError) -> Verdict:
        """Look again: soon at first, and at once when it can no longer arrive."""
        reason, wait = AMBIGUOUS, look_again_after(item)
        if isinstance(error, NotShown | Rejected):
            reason = UNREADABLE
        elif isinstance(error, StillUnknown) and error.wait is not None:
            wait = min(wait, error.wait)
        return Verdict(ItemState.SENDING, reason, wait)

    def send(
        self, item: Outgoing, *, send_before: float
    ) -> Observation | Created | str | None:
        conversation = speaking.conversation(self.handoff)
        if item.kind == Outgoing.Kind.START:
            with nothing_sent():
                opening = speaking.opening(self.handoff, item)
            return self.chat_system.start(
                conversation, opening, send_before=send_before
            )
        if item.kind == Outgoing.Kind.END:
            leaving.leave(
                item,
                conversation,
                handoff=self.handoff,
                system=self.chat_system,
                send_before=send_before,
            )
            return None
        if item.kind == Outgoing.Kind.TICKET:
            return ticket.create(self.handoff, self.instance, send_before=send_before)
        message = speaking.message(item)
        return self.chat_system.send(conversation, message, send_before=send_before)

    def judge(self, item: Outgoing, error: DeliveryError) -> Verdict:
        if isinstance(error, Ambiguous):
            item.over_attempt = item.attempts if error.ended else None
            item.save(update_fields=["over_attempt"])
            wait = backoff(item.first_attempt_at) if self._may_repeat(item) else None
            return Verdict(ItemState.SENDING, AMBIGUOUS, wait or FIRST_LOOK)
        if isinstance(error, Rejected):
            return Verdict(ItemState.FAILED, "rejected")
        if isinstance(error, UploadUnclear):
            # Each try may leave a file there: not for as long as a message is tried.
            if item.attempts >= MAX_UPLOADS:
                return Verdict(ItemState.FAILED, "rejected")
            wait = backoff(item.first_attempt_at)
            return Verdict(ItemState.PENDING, UNREACHABLE, wait)
        return self._not_applied(item, error)

    def _not_applied(self, item: Outgoing, error: DeliveryError) -> Verdict:
        """Wait for the door to open: nothing is wrong with the item."""
        if item.kind == Outgoing.Kind.START and self.handoff.is_final:
            # It ended while we tried: to open it now would ring at an agent for nobody.
            return Verdict(ItemState.FAILED, "ended")
        reason, wait = UNREACHABLE, backoff(item.first_attempt_at)
        if isinstance(error, Unauthorized):
            reason, wait = UNAUTHORIZED, authorization_wait()
        elif isinstance(error, Throttled):
            reason = THROTTLED
        return Verdict(ItemState.PENDING, reason, wait, counts=False)

    def is_plain(self, item: Outgoing) -> bool:
        is_text = item.kind == Outgoing.Kind.MESSAGE and item.attachment_id is None
        return is_text and item.door_paused_until is None

    def may_owe(self) -> bool:
        return self.is_followed and self.debt.may_grow

    def owe(self, item: Outgoing) -> None:
        self.debt.add(item)

    def pay(self) -> None:
        self.debt.pay(self.handoff)

    def bind(self, item: Outgoing, result: object) -> None:
        item.is_untold = False
        if item.kind == Outgoing.Kind.MESSAGE and isinstance(result, str):
            item.sys_id = result

    def sent(self, item: Outgoing, result: object) -> None:
        if isinstance(result, Observation):
            self._started(item, result)
        elif isinstance(result, Created):
            ticket.created(self.handoff, item, result)
        elif item.kind == Outgoing.Kind.MESSAGE:
            self._message_sent(item)

    def _started(self, item: Outgoing, observation: Observation) -> None:
        self.handoff.group_id = observation.group_id
        self.handoff.save(update_fields=["group_id"])
        observe(self.handoff, observation)
        if not self.handoff.is_final and self.chat_system.traits.can_read:
            reconciling.include(self.handoff, opened_at=item.first_attempt_at)
        # A rule may have told of this conversation before we knew its name.
        doorbell.ring_callbacks(
            bot_id=self.handoff.bot_id, group_id=observation.group_id
        )

    def _message_sent(self, item: Outgoing) -> None:
        if item.attachment and self.chat_system.traits.fetches_files:
            item.attachment.offered_at = now()
            item.attachment.save(update_fields=["offered_at"])
        if item.message and item.completes_message:
            lifecycle.message_delivered(self.handoff, item.message)

    def failed(self, item: Outgoing, error: DeliveryError) -> None:
        if item.kind == Outgoing.Kind.START:
            self._start_failed(error)
        elif item.kind == Outgoing.Kind.TICKET:
            lifecycle.announce(self.handoff, detail=f"No incident: {error}")
        elif item.kind == Outgoing.Kind.MESSAGE and item.message:
            lifecycle.part_failed(
                self.handoff, item.message, item=item, error=str(error)
            )
            # A refused message is often the first sign that the chat is closed there.
            Handoff.objects.open().filter(pk=self.handoff.pk).update(poll_at=now())

    def _start_failed(self, error: DeliveryError) -> None:
        lifecycle.give_up_pending(self.handoff, error=str(error))
        said = error.text if isinstance(error, Rejected) else ""
        lifecycle.finish(
            self.handoff,
            reason=self._why_start_failed(error),
            ended_by=EndedBy.SYSTEM,
            data={"detail": said or str(error)},
        )

    def _why_start_failed(self, error: DeliveryError) -> Reason:
        if not isinstance(error, Rejected):
            return Reason.DELIVERY_FAILED
        refusals = self.chat_system.traits.refusals
        return refusals.get(error.status, Reason.REJECTED)


@contextmanager
def open_route(lane: Lane) -> Iterator[ToServiceNow]:
    """Open one connection to the lane's instance, for the time of a drain."""
    with Instance(lane.bot.connection) as instance:
        yield ToServiceNow(lane, instance=instance)
