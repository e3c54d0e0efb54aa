"""Who talks: users through their chatbot, and agents at the desk."""

from collections.abc import Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from random import Random

import requests

from tests.chaos.chatbot import FINAL, Chatbot, spoken
from tests.chaos.conversations import Conversation
from tests.chaos.day import Day
from tests.chaos.desk import Chat, Desk
from tests.chaos.plan import AGENT_CHAT

# Between two looks at the desk, in seconds.
LOOK = 0.4


def talk(
    conversations: Sequence[Conversation],
    *,
    chatbots: dict[str, Chatbot],
    day: Day,
    rng: Random,
    pause: float,
) -> None:
    """Say what these users have to say; then end what is theirs to end."""
    silent = list(conversations)
    while silent:
        one = rng.choice(silent)
        _say_next(one, chatbots[one.system])
        if one.is_all_said:
            silent.remove(one)
        day.storm_is_over.wait(rng.uniform(0, 2 * pause))
    waiting = list(conversations)
    while waiting and not day.is_done.wait(LOOK):
        waiting = [one for one in waiting if not _leave(one, chatbots[one.system], day)]


def _say_next(one: Conversation, chatbot: Chatbot) -> None:
    if not one.accepted:
        body = {"id": f"start-{one.id}", "conversation_id": one.id}
        answer = chatbot.call("POST", "handoffs", json=body | {"message": one.question})
        one.handoff_id, text = answer.json()["id"], one.question
    else:
        text = one.to_say[len(one.accepted) - 1]
        body = {"id": f"{one.id}-{len(one.accepted)}", "text": text}
        path = f"handoffs/{one.handoff_id}/messages"
        answer = chatbot.call("POST", path, json=body)
    is_conflict = answer.status_code == HTTPStatus.CONFLICT
    one.is_closed = is_conflict and answer.json()["code"] == "handoff_closed"
    if answer.ok:
        one.accepted.append(text)
    elif not one.is_closed:
        raise AssertionError(f"{one.id}: refused: {answer.text}")


def _leave(one: Conversation, chatbot: Chatbot, day: Day) -> bool:
    """End it if it is the user's part and there is no more to wait for; tell if over.

    The end of an Agent Chat may be lost on its way here, as all that is posted once.
    """
    told = chatbot.told_about(one.id)
    if any(event["type"] in FINAL for event in told):
        return True
    has_heard = len(spoken(told)) > len(one.to_reply)
    if one.agent_ends:
        is_time = day.is_late and one.system == AGENT_CHAT
    else:
        is_time = day.is_late or has_heard
    if is_time:
        one.has_left = True
        path = f"handoffs/{one.handoff_id}/end"
        chatbot.call("POST", path, json={"reason": "user_left"})
    return is_time


class Agent:
    """Accepts what waits at his desk, writes, and ends what is his to end."""

    def __init__(
        self,
        desk: Desk,
        conversations: Sequence[Conversation],
        *,
        day: Day,
        rng: Random,
    ) -> None:
        self.desk = desk
        self.day = day
        self.rng = rng
        own = [one for one in conversations if one.system == desk.system]
        self.conversations = {one.question: one for one in own}

    def work(self) -> None:
        """Look at all chats again and again."""
        while not self.day.is_done.wait(LOOK):
            # He looks again in a moment.
            try:
                self._look_around()
            except requests.RequestException:
                continue

    def _look_around(self) -> None:
        for chat in self.desk.chats():
            if chat.is_waiting:
                self.desk.accept(chat)
            elif chat.is_open:
                self._attend(self.conversations[chat.question], chat)

    def _attend(self, one: Conversation, chat: Chat) -> None:
        if not one.is_all_replied:
            if self.rng.random() < self._eagerness():
                one.replied += self.desk.say(chat, one.to_reply[one.replied])
        elif one.agent_ends and one.is_all_said:
            has_read = self._has_read(one, chat)
            if has_read or self.day.is_late:
                one.is_cut_off, one.ended_at = not has_read, datetime.now(UTC)
                self.desk.end(chat)

    def _eagerness(self) -> float:
        """Return how likely he writes at a look: so that it takes the whole storm."""
        plan = self.day.plan
        return 1 if self.day.storm_is_over.is_set() else plan.replies / plan.seconds

    def _has_read(self, one: Conversation, chat: Chat) -> bool:
        asked = [line for line in self.desk.lines([chat]) if line.is_requesters]
        return len(asked) >= len(one.accepted)
