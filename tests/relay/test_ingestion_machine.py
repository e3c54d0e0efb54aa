"""Whatever becomes of the callbacks, the bot is told all once, and the end last."""

import hashlib
import json
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
import responses
from django.db import transaction
from django.utils.timezone import now
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
)

from handoff import services
from handoff.exceptions import MalformedBody
from handoff.models import BotRuntime, Event, Handoff
from handoff.relay import inbox, looking
from handoff.relay.reconciling import reconcile
from servicenow_auth.models import ConnectionRuntime
from tests import fence
from tests.relay.conftest import (
    AGENT,
    ENTRIES,
    GROUP,
    HOST,
    LIVE_MESSAGES,
    MESSAGES,
    STATE,
)
from tests.relay.conftest import row as as_row
from tests.relay.desk import ACCEPTED, CLOSED, US, WAITING, Desk, Row
from tests.relay.machines import play

PROFILE = f"{HOST}/api/now/live/profiles/sys_user.{AGENT}"
PAUSES = st.lists(st.integers(100, 1500), min_size=1, max_size=4)
PLACES = st.lists(st.integers(0, 5), min_size=1, max_size=6)


class Ingestion(RuleBasedStateMachine):
    """A conversation, and a worker that learns of it by callbacks and reads."""

    def __init__(self, *, handoff: Handoff, http: responses.RequestsMock) -> None:
        super().__init__()
        self.desk = Desk()
        self.on_the_way: list[Row] = []
        self.handoff = handoff
        self.judged = 0
        self.is_down = False
        self.is_lively = self.tells_before = False
        self.http = http
        for url, shown in (
            (LIVE_MESSAGES, lambda: [as_row(row) for row in self.desk.rows]),
            (ENTRIES, lambda: [as_row(self.desk.entry)]),
            (STATE, lambda: [self.desk.entry]),
            (MESSAGES, self._read),
            (PROFILE, lambda: {"name": "Beth Anglin"}),
        ):
            http.add_callback(responses.GET, url, self._answer(shown))
        self.example = transaction.atomic()
        self.example.__enter__()

    @initialize(pauses=PAUSES, is_lively=st.booleans(), tells_before=st.booleans())
    def the_agent_greets(
        self, pauses: list[int], is_lively: bool, tells_before: bool
    ) -> None:
        self.somebody_writes(pauses=pauses, author="beth")
        self.is_lively, self.tells_before = is_lively, tells_before

    @precondition(lambda self: self.desk.is_open)
    @rule(pauses=PAUSES, author=st.sampled_from(["beth", "beth", "system", US]))
    def somebody_writes(self, pauses: list[int], author: str) -> None:
        for pause in pauses:
            row = self.desk.write(author=author, after=pause)
            if author != US:
                self.on_the_way.append(self.desk.told_of(row))

    @precondition(lambda self: self.desk.state == WAITING)
    @rule()
    def an_agent_accepts(self) -> None:
        self.desk.state, self.desk.agent = ACCEPTED, AGENT
        self.on_the_way.append(self.desk.told_of_entry())

    @precondition(lambda self: self.desk.is_open and len(self.desk.rows) > 5)
    @rule()
    def the_chat_is_closed(self) -> None:
        self.desk.state = CLOSED
        self.on_the_way.append(self.desk.told_of_entry())

    @rule(
        places=PLACES,
        fate=st.sampled_from(["arrive", "come twice", "break", "get lost"]),
        are_named=st.booleans(),
        then=st.sampled_from(["take in", "look", "read all", "wait"]),
        is_down=st.sampled_from([False, False, True]),
    )
    def callbacks(
        self, places: list[int], fate: str, are_named: bool, then: str, is_down: bool
    ) -> None:
        for body in self._take(places):
            text = self._sent(body)
            delivery_id = hashlib.sha256(text.encode()).hexdigest()
            if fate != "get lost":
                self._receive(
                    text[:-1] if fate == "break" else text,
                    delivery_id=delivery_id if are_named else None,
                )
            if fate == "come twice":
                self.on_the_way.append(body)
        if then == "take in":
            self._take_in()
        elif then == "look":
            self._look(is_down=is_down)
        elif then == "read all":
            self._read_all(is_down=is_down)

    def teardown(self) -> None:
        try:
            if self.desk.is_open:
                self.the_chat_is_closed()
            for _ in range(3):
                self._read_all(is_down=False)
                self._look(is_down=False)
            self._all_arrive()
            self._judge()
        finally:
            assert fence.refused(self.http) == []
            self.http.reset()
            transaction.set_rollback(True)
            self.example.__exit__(None, None, None)

    def _take(self, places: list[int]) -> list[Row]:
        taken = places[: len(self.on_the_way)]
        return [self.on_the_way.pop(n % len(self.on_the_way)) for n in taken]

    def _sent(self, body: Row) -> str:
        if self.tells_before and body["event"] == "message":
            body |= {"follows": self.desk.written_before(body)}
        return json.dumps(body)

    def _receive(self, body: str, *, delivery_id: str | None) -> None:
        with suppress(MalformedBody):
            services.receive_callback(
                bot=self.handoff.bot,
                body=body.encode(),
                authenticated_by="signature",
                delivery_id=delivery_id,
            )

    def _take_in(self) -> None:
        inbox.process(bot_id=self.handoff.bot_id, group_id=GROUP)
        self._judge_order(lambda row: row["timestamp"] // 1000)

    def _look(self, *, is_down: bool) -> None:
        self.is_down = is_down
        past = now() - timedelta(seconds=1)
        Handoff.objects.filter(poll_at__isnull=False).update(poll_at=past)
        ConnectionRuntime.objects.update(paused_until=None)
        looking.look(self.handoff.pk)
        self._judge_order(lambda row: (row["timestamp"], row["sys_id"]))

    def _read_all(self, *, is_down: bool) -> None:
        self.is_down = is_down
        BotRuntime.objects.update(reconcile_at=now() - timedelta(seconds=1))
        reconcile(self.handoff.bot_id)
        self._judge_order(lambda row: row["timestamp"] // 1000)

    def _all_arrive(self) -> None:
        for body in reversed(self.on_the_way):
            self._receive(self._sent(body), delivery_id=None)
        self._take_in()

    def _answer(self, shown: Callable[[], Any]) -> Callable[[Any], Any]:
        def answer(_: Any) -> tuple[int, dict[str, str], str]:
            if self.is_down:
                return 503, {}, "<html>"
            return 200, {}, json.dumps({"result": shown()})

        return answer

    def _read(self) -> list[Row]:
        """Show the messages; the last is written and told of during the answer."""
        shown = self.desk.rows[::-1]
        if self.is_lively:
            self._go_on()
        return shown

    def _go_on(self) -> None:
        """Let the end be told before the last words."""
        if self.desk.is_open:
            self.somebody_writes(pauses=[100], author="beth")
            self.the_chat_is_closed()
            self._receive(self._sent(self.on_the_way.pop()), delivery_id=None)
            self._take_in()
        else:
            self._all_arrive()

    def _told(self) -> list[Row]:
        """Return the rows that the bot was told of, in the order of the telling."""
        rows = {row["formatted_message"]: row for row in self.desk.rows}
        told = Event.objects.filter(handoff=self.handoff, type="message.created")
        ordered = told.order_by("sequence").values_list("payload", flat=True)
        return [rows[payload["data"]["text"]] for payload in ordered]

    def _judge_order(self, key: Callable[[Row], Any]) -> None:
        """Judge what was told by one transaction, by the times that it could see.

        Where rules tell what was written before, it is in order over all.
        """
        told = self._told()
        new = told[self.judged :]
        self.judged = len(told)
        assert new == sorted(new, key=key)
        if self.tells_before:
            assert told == sorted(told, key=lambda row: row["timestamp"])

    def _judge(self) -> None:
        told = [row["sys_id"] for row in self._told()]
        said = [row["sys_id"] for row in self.desk.rows if row["created_by"] != US]
        assert sorted(told) == sorted(said)
        events = Event.objects.filter(handoff=self.handoff).order_by("sequence")
        ends = [event.payload["data"].get("final", False) for event in events]
        assert ends == [False] * (len(ends) - 1) + [True]
        assert events.last().payload["data"]["messages_complete"] is True


@pytest.mark.uncounted
@pytest.mark.django_db
def test_all_is_told_once_in_order_and_the_end_last(http, running, monkeypatch):
    # An example takes longer than a moment.
    monkeypatch.setattr(inbox, "OVERTAKEN_FOR", timedelta(hours=1))

    play(partial(Ingestion, handoff=running, http=http), examples=30)
