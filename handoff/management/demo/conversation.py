"""One scripted conversation from greeting to good-bye, and what became of it."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from handoff.management.demo import script
from handoff.management.demo.chat_page import ChatPage
from handoff.management.demo.console import Console, preview
from handoff.management.demo.desk import AGENT_NAME, Desk
from handoff.management.demo.files import File
from handoff.management.demo.lines import Line
from handoff.management.demo.patience import NotSeen, Patience
from handoff.management.demo.verdict import parts, stage_faults, verdict

_OTHERS = {
    "user": {"bot", "agent", "system"},
    "agent": {"history", "requester", "virtual_agent", "system"},
}


@dataclass
class Conversation:
    """What is the same whichever chat system is in between; `system` is its name."""

    system: str
    console: Console
    patience: Patience
    user: ChatPage
    agent: Desk
    seen: set[str] = field(default_factory=set)

    def play(self) -> list[str]:
        """Return what went wrong, judged by what both pages displayed."""
        try:
            self._play()
        except NotSeen as exc:
            return [str(exc)]
        return self._faults()

    def _play(self) -> None:
        self._talk_to_the_bot()
        self._ask_for_a_person()
        self._accept()
        self._talk_to_each_other()
        self._end()
        self._talk_to_the_bot_again()

    def _talk_to_the_bot(self) -> None:
        self._user_says(script.GREETING)
        self._await_text(script.GREETING_ANSWER, role="bot")

    def _ask_for_a_person(self) -> None:
        self._user_says(script.QUESTION)
        self._await_header("queued", name="Waiting for an agent")

    def _accept(self) -> None:
        self.agent.log_in()
        self.patience.until(self.agent.find_waiting, what="The chat, on the desk")
        self.agent.accept()
        self._say("agent → [Accept]")
        self._await_header("accepted", name=AGENT_NAME)

    def _talk_to_each_other(self) -> None:
        """Write without waiting for one another, then wait until all has arrived."""
        for turn in zip(script.FROM_USER, script.FROM_AGENT, strict=True):
            self._user_says(turn[0])
            self._agent_says(turn[1])
            self._look()
        # What has not come by now is for the judge to name.
        with suppress(NotSeen):
            self._await(lambda: not self._message_faults(), what="Every message")

    def _end(self) -> None:
        self.agent.end()
        self._say("agent → [End chat]")

    def _talk_to_the_bot_again(self) -> None:
        self._await_header("bot")
        self._user_says(script.LATER_QUESTION)
        self._await_text(script.LATER_ANSWER, role="bot")

    def _faults(self) -> list[str]:
        return [*self._message_faults(), *stage_faults(self.user.lines())]

    def _message_faults(self) -> list[str]:
        return verdict(chat=self.user.lines(), desk=self.agent.lines())

    def _user_says(self, said: str | File) -> None:
        if isinstance(said, File):
            self._say(f"user  → [{said}]")
            self.user.attach(said)
        else:
            self._say(f"user  → {preview(said)}")
            self.user.say(said)

    def _agent_says(self, said: str | File) -> None:
        if isinstance(said, File):
            self._say(f"agent → [{said}]")
            self.agent.attach(said)
        else:
            self._say(f"agent → {preview(said)}")
            self.agent.say(said)

    def _await_text(self, words: str, *, role: str) -> None:
        def is_shown() -> bool:
            return any(words in text for text in parts(self.user.lines(), role=role))

        self._await(is_shown, what=f"{words!r} of the {role} on the chat page")

    def _await_header(self, state: str, *, name: str = "") -> None:
        def is_shown() -> bool:
            header = self.user.header()
            return header.state == state and name in {"", header.name}

        self._await(is_shown, what=f"{name or state!r} at the head of the chat page")
        header = self.user.header()
        self._say(f"user  ← [{header.name} · {header.detail}]")

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
                self._say(f"{reader:<5} ← {line.author or line.role}: {_shown(line)}")

    def _say(self, text: str) -> None:
        self.console.say(f"{self.system:<15}  {text}")


def _shown(line: Line) -> str:
    text = [preview(line.text)] if line.text.strip() else []
    return " ".join(text + [f"[{shown}]" for shown in line.files + line.choices])
