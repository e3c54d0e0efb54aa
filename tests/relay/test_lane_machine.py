"""Whatever becomes of the calls and the workers, the agent sees all once, in order."""

import json
import time
from contextlib import ExitStack, suppress
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
import responses
from django.db import transaction
from django.utils.timezone import now
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from handoff import relay, services
from handoff.failpoints import Point
from handoff.models import Event, Handoff, Lane, Outgoing
from handoff.models.lane import UNSETTLED, ItemState
from servicenow_auth.models import ConnectionRuntime
from tests import fence
from tests.chaos.judge import Said, compare
from tests.faults.traps import Killed, die, trap
from tests.relay.conftest import ENVELOPE, MESSAGES, to_servicenow
from tests.relay.machines import play
from tests.relay.reading_back import OPENING, ours, settle

Answer = tuple[int, dict[str, str], str]
# What is done with a post, and what is answered.
TAKEN, LOST, LATE = "taken", "lost", "late"
FATES = {
    "answered": (TAKEN, 200),
    "taken, and no word of it": (TAKEN, 502),
    "lost on the way": (LOST, 502),
    "given up, and taken later": (LATE, 504),
    "taken, and an error": (TAKEN, 500),
    "not taken for an error": (LOST, 500),
    "too many calls": (LOST, 429),
    "refused": (LOST, 400),
}
OFTEN = [*FATES, "answered", "taken, and no word of it"]
# Words repeat, so that one may be taken for another one.
WORDS = st.lists(st.sampled_from(["yes", "no"]), min_size=1, max_size=3)
DEATHS = [
    Point.AFTER_CLAIM,
    Point.AFTER_INTENT,
    Point.AFTER_ANSWER,
    Point.DURING_READ_BACK,
    Point.AFTER_RECORD,
    Point.NONE_LEFT,
]
ROUNDS = 60


class Delivery(RuleBasedStateMachine):
    """A conversation, a ServiceNow that answers as it likes, and workers that die."""

    def __init__(self, *, handoff: Handoff, http: responses.RequestsMock) -> None:
        super().__init__()
        self.handoff, self.http = handoff, http
        self.lane_id = to_servicenow(handoff).pk
        self.accepted: list[str] = []
        self.rows: list[dict[str, Any]] = [OPENING]
        self.on_the_way: list[str] = []
        self.fates: list[str] = []
        self.reads = "shows"
        http.add_callback(responses.POST, MESSAGES, self._answer_post)
        http.add_callback(responses.GET, MESSAGES, self._answer_read)
        self.example = transaction.atomic()
        self.example.__enter__()

    @initialize(words=WORDS)
    def the_user_begins(self, words: list[str]) -> None:
        self._say(words)

    @rule(
        words=st.one_of(st.just([]), WORDS),
        fates=st.lists(st.sampled_from(OFTEN), min_size=1, max_size=3),
        reads=st.sampled_from(["shows", "shows", "is down", "hides ours"]),
        dies_at=st.sampled_from([None, None, *DEATHS]),
        then=st.sampled_from([None, None, "the late arrive", "too late for that"]),
    )
    def a_worker_comes(
        self,
        words: list[str],
        fates: list[str],
        reads: str,
        dies_at: Point | None,
        then: str | None,
    ) -> None:
        self._say(words)
        self.fates, self.reads = list(fates), reads
        self._work(dies_at)
        if then is not None:
            self._let_late_arrive()
        if then == "too late for that":
            settle()

    @invariant()
    def what_waits_is_due(self) -> None:
        waiting = Outgoing.objects.filter(lane=self.lane_id, state__in=UNSETTLED)
        assert not waiting.exists() or self._lane().wake_at is not None

    @invariant()
    def nothing_is_there_twice_nor_out_of_order(self) -> None:
        tally = compare(
            [Said(text, is_promised=False) for text in self.accepted], self._seen()
        )
        assert tally.violations == 0

    def teardown(self) -> None:
        try:
            self.fates, self.reads = [], "shows"
            for _ in range(ROUNDS):
                self._let_late_arrive()
                settle()
                self._work(None)
                if self._lane().wake_at is None:
                    break
            self._judge()
        finally:
            assert fence.refused(self.http) == []
            self.http.reset()
            transaction.set_rollback(True)
            self.example.__exit__(None, None, None)

    def _say(self, words: list[str]) -> None:
        for text in words:
            new = services.NewMessage(id=f"m-{len(self.accepted)}", text=text)
            services.post_message(
                handoff_id=self.handoff.pk, bot=self.handoff.bot, message=new
            )
            self.accepted.append(text)

    def _work(self, dies_at: Point | None) -> None:
        """Let all waits be over, and the lease of who died."""
        past = now() - timedelta(seconds=1)
        lane = Lane.objects.filter(pk=self.lane_id)
        lane.filter(wake_at__isnull=False).update(wake_at=past)
        lane.filter(lease_until__isnull=False).update(lease_until=past)
        ConnectionRuntime.objects.update(paused_until=None)
        with ExitStack() as stack:
            stack.enter_context(suppress(Killed))
            if dies_at is not None:
                stack.enter_context(trap(dies_at, die))
            relay.drain(self.lane_id)

    def _let_late_arrive(self) -> None:
        while self.on_the_way:
            self._take(self.on_the_way.pop(0))

    def _lane(self) -> Lane:
        return Lane.objects.get(pk=self.lane_id)

    def _answer_post(self, request: Any) -> Answer:
        text = json.loads(request.body)["message"]
        done, status = FATES[self.fates.pop(0) if self.fates else "answered"]
        sys_id = self._take(text) if done == TAKEN else ""
        if done == LATE:
            self.on_the_way.append(text)
        if status == 200:
            return status, {}, json.dumps({"result": {"sys_id": sys_id}})
        is_platforms = status in (400, 429, 500)
        return status, {}, json.dumps(ENVELOPE) if is_platforms else "<html>"

    def _answer_read(self, _: Any) -> Answer:
        if self.reads == "is down":
            return 503, {}, "<html>"
        shown = [] if self.reads == "hides ours" else self.rows[::-1]
        return 200, {}, json.dumps({"result": shown})

    def _take(self, text: str) -> str:
        sys_id = f"{len(self.rows):032x}"
        # Two in one millisecond have no order.
        newest = max(int(time.time() * 1000), self.rows[-1]["timestamp"] + 1)
        self.rows.append(ours(sys_id, text) | {"timestamp": newest})
        return sys_id

    def _seen(self) -> list[str]:
        return [row["formatted_message"] for row in self.rows[1:]]

    def _judge(self) -> None:
        items = Outgoing.objects.filter(lane=self.lane_id, kind=Outgoing.Kind.MESSAGE)
        states = list(items.order_by("sequence").values_list("state", flat=True))
        assert set(states) <= {ItemState.SENT, ItemState.FAILED}
        rows = list(zip(self.accepted, states, strict=True))
        said = [Said(text) for text, state in rows if state == ItemState.SENT]
        tally = compare(said, self._seen())
        assert (tally.violations, tally.reported) == (0, 0)
        self._judge_telling(states)

    def _judge_telling(self, states: list[str]) -> None:
        told = Event.objects.filter(handoff=self.handoff).order_by("sequence")
        outcomes = {
            "message.delivered": ItemState.SENT,
            "message.failed": ItemState.FAILED,
        }
        assert [
            (event.payload["data"]["id"], outcomes[event.type])
            for event in told
            if event.type in outcomes
        ] == [(f"m-{number}", state) for number, state in enumerate(states)]


@pytest.mark.uncounted
@pytest.mark.django_db
def test_all_arrives_once_in_order_and_is_told(http, running):
    play(partial(Delivery, handoff=running, http=http), examples=40)
