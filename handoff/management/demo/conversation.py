"""One scripted conversation from greeting to good-bye, and what became of it."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from handoff.management.demo import script
from handoff.management.demo.chat_page import ChatPage, Line
from handoff.management.demo.console import Console, preview
from handoff.management.demo.desk import AGENT_NAME, Desk
from handoff.management.demo.patience import NotSeen, Patience
from handoff.management.demo.verdict import stage_faults, texts, verdict

_OTHERS = {"user": {"bot", "agent", "system"}, "agent": {"requester", "system"}}


@dataclass
class Conversation:
    console: Console
    patience: Patience
    user: ChatPage
    agent: Desk
    seen: set[str] = field(default_factory=set)

    def play(self) -> list[str]:
        """Return what went wrong, judged by what both pages displayed."""
        self._talk_to_the_bot()
        self._ask_for_a_person()
        self._accept()
        self._talk_to_each_other()
        self._end()
        return [*self._faults(), *stage_faults(self.user.lines())]

    def _talk_to_the_bot(self) -> None:
        self._user_says(script.GREETING)
        self._await_bot(script.GREETING_ANSWER)

    def _ask_for_a_person(self) -> None:
        self._user_says(script.QUESTION)
        self._await_header("queued", name="Waiting for an agent")

    def _accept(self) -> None:
        self.agent.log_in()
        self.patience.until(self.agent.find_waiting, what="The chat, on the desk")
        self.agent.accept()
        self.console.say("agent → [Accept]")
        self._await_header("accepted", name=AGENT_NAME)

    def _talk_to_each_other(self) -> None:
        """Write without waiting for one another, then wait until all has arrived."""
        for turn in zip(script.FROM_USER, script.FROM_AGENT, strict=True):
            self._user_says(turn[0])
            self._agent_says(turn[1])
            self._look()
        # What has not come by now is for the judge to name.
        with suppress(NotSeen):
            self._await(lambda: not self._faults(), what="Every message")

    def _end(self) -> None:
        self.agent.end()
        self.console.say("agent → [End chat]")
        self._await_header("bot", name="Bot")
        self._user_says(script.LATER_QUESTION)
        self._await_bot(script.LATER_ANSWER)

    def _user_says(self, text: str) -> None:
        self.console.say(f"user  → {preview(text)}")
        self.user.say(text)

    def _agent_says(self, text: str) -> None:
        self.console.say(f"agent → {preview(text)}")
        self.agent.say(text)

    def _await_bot(self, words: str) -> None:
        def answered() -> bool:
            return any(words in text for text in texts(self.user.lines(), role="bot"))

        self._await(answered, what=f"The bot's answer, {words!r}")

    def _await_header(self, state: str, *, name: str) -> None:
        def is_shown() -> bool:
            header = self.user.header()
            return (header.state, header.name) == (state, name)

        self._await(is_shown, what=f"{name!r} at the head of the chat page")
        self.console.say(f"user  ← [{name} · {self.user.header().detail}]")

    def _await(self, probe: Callable[[], bool], *, what: str) -> None:
        try:
            self.patience.until(probe, what=what)
        finally:
            self._look()

    def _look(self) -> None:
        """Print what either page displays for the first time."""
        self._print_new("user", self.user.lines())
        if self.agent.chat:
            self._print_new("agent", self.agent.lines())

    def _print_new(self, reader: str, lines: Sequence[Line]) -> None:
        for line in lines:
            if line.role in _OTHERS[reader] and line.id not in self.seen:
                self.seen.add(line.id)
                said = f"{line.author or line.role}: {preview(line.text)}"
                self.console.say(f"{reader:<5} ← {said}")

    def _faults(self) -> list[str]:
        return verdict(chat=self.user.lines(), desk=self.agent.lines())
