"""What a conversation over Agent Chat shows besides."""

from dataclasses import dataclass

from handoff.management.demo import script
from handoff.management.demo.conversation import Conversation
from handoff.management.demo.desk import AGENT_NAME
from handoff.management.demo.lines import Line
from handoff.management.demo.verdict import transcript_faults

GUEST = "Guest"


@dataclass
class AgentChatConversation(Conversation):
    def _ask_for_a_person(self) -> None:
        super()._ask_for_a_person()
        self._await(self._wait_is_shown, what="A time to wait on the chat page")
        self._say(f"user  ← [{self.user.header().detail}]")

    def _accept(self) -> None:
        super()._accept()
        self._await(self.user.shows_avatar, what="The agent's picture")
        self._say(f"user  ← [a picture of {AGENT_NAME}]")
        self._show_typing()

    def _show_typing(self) -> None:
        """Let each of the two begin to write, see the other one do so, and stop."""
        self.user.set_typing(typing=True)
        self._await(self.agent.sees_typing, what="The user's typing on the desk")
        self._say(f"agent ← [{GUEST} is typing]")
        self.user.set_typing(typing=False)
        self.agent.set_typing(typing=True)
        self._await(self.user.sees_typing, what="The agent's typing on the chat page")
        self._say(f"user  ← [{AGENT_NAME} is typing]")
        self.agent.set_typing(typing=False)

    def _end(self) -> None:
        super()._end()
        self._await(lambda: bool(self._choices()), what="The choices of the survey")
        choice = self._choices()[0]
        self._say(f"user  → [{choice}]")
        self.user.choose(choice)
        self._await(self._is_thanked, what="The virtual agent's thanks")

    def _faults(self) -> list[str]:
        chat, desk = self.user.lines(), self.agent.lines()
        return [*super()._faults(), *transcript_faults(chat=chat, desk=desk)]

    def _wait_is_shown(self) -> bool:
        return "minute" in self.user.header().detail.lower()

    def _choices(self) -> list[str]:
        return [choice for line in self.user.lines() for choice in line.choices]

    def _is_thanked(self) -> bool:
        return any(script.THANKS in line.text for line in self._after_the_agent())

    def _after_the_agent(self) -> list[Line]:
        return [line for line in self.user.lines() if line.role in {"bot", "system"}]
