"""What the Virtual Agent API posts to the Callback URL, read as news.

Its envelope is in ServiceNow's reference of the VA Bot Integration API; where documents
disagree, every reading is accepted.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from handoff.chat_systems.agent_chat.actions import is_action, steps_of
from handoff.chat_systems.agent_chat.content import joined
from handoff.chat_systems.agent_chat.envelope import (
    End,
    Envelope,
    Step,
    group_of,
    open_envelope,
)
from handoff.chat_systems.agent_chat.fields import Part, text_of
from handoff.chat_systems.agent_chat.messages import agent_of, message_of, speaker_of
from handoff.chat_systems.agent_chat.parts import content_of
from handoff.chat_systems.values import (
    EntryState,
    InboundMessage,
    News,
    Observation,
    Speaker,
)
from handoff.models import AgentChatConfiguration

__all__ = ["group_of", "read"]

# ServiceNow sends a handful in one envelope.
MAX_MESSAGES = 100
REST = -1
_STATES = {
    End.NO_AGENT: EntryState.NO_AGENT,
    End.TIMED_OUT: EntryState.TIMED_OUT,
    End.COMPLETED: EntryState.CLOSED,
    End.SWITCHED: EntryState.CLOSED,
    End.FAULTED: EntryState.FAULTED,
    End.TAKEN_BACK: EntryState.TAKEN_BACK,
    End.CLOSED: EntryState.CLOSED,
}
# The agent has gone, and the virtual agent goes on.
_AGENT_GONE = (End.SWITCHED, End.CLOSED)


def read(body: Any, *, configuration: AgentChatConfiguration) -> list[News]:
    """Return what an envelope says, in order; nothing when it is of no known kind."""
    envelope = open_envelope(body, phrases=configuration.phrases)
    steps = [
        step
        for parts in _by_message(envelope.parts)
        for step in _steps_in(parts, envelope)
    ]
    steps += _flags(envelope)
    if envelope.agent_chat and not any(
        isinstance(one, Observation | End) for one in steps
    ):
        steps.insert(0, envelope.seen(EntryState.WAITING))
    has_survey = configuration.relay_survey
    return list(_news(list(_once(steps)), envelope, has_survey=has_survey))


def _by_message(parts: Iterable[Part]) -> list[list[Part]]:
    """Return the parts of each message, which may be several of one `messageId`.

    All that comes after MAX_MESSAGES is one message more: each costs work.
    """
    messages: dict[str | int, list[Part]] = {}
    for number, part in enumerate(parts):
        name = "" if is_action(part) else text_of(part, "messageId")
        key = name or number
        if key not in messages and len(messages) >= MAX_MESSAGES:
            key = REST
        messages.setdefault(key, []).append(part)
    return list(messages.values())


def _steps_in(parts: list[Part], envelope: Envelope) -> list[Step]:
    """Return what an action tells, or what the parts of one message say."""
    first, group_id = parts[0], envelope.group_id
    if is_action(first) and len(parts) == 1:
        return steps_of(first, envelope)
    content, speaker = joined(map(content_of, parts)), speaker_of(first)
    steps: list[Step] = []
    if speaker == Speaker.AGENT:
        steps.append(agent_of(first, group_id=group_id))
    elif not envelope.agent_chat and envelope.means("no_agent", content.text):
        steps.append(End.NO_AGENT)
    if content:
        steps.append(message_of(first, content, group_id=group_id, speaker=speaker))
    return steps


def _flags(envelope: Envelope) -> list[Step]:
    flags: list[Step] = []
    if envelope.completed:
        flags.append(End.COMPLETED)
    if envelope.take_control:
        faulted = envelope.scores_zero and not envelope.parts
        flags.append(End.FAULTED if faulted else End.TAKEN_BACK)
    return flags


def _once(steps: list[Step]) -> Iterator[Step]:
    """Yield each observation once, the fullest of its state for those that tell less.

    Several actions tell of one wait, and not all of them how long it is; an agent's
    first message tells who accepted.
    """
    fullest = {
        step.state: step
        for step in reversed(steps)
        if isinstance(step, Observation) and not _is_bare(step)
    }
    seen: set[Observation] = set()
    for step in steps:
        if isinstance(step, Observation):
            told = fullest.get(step.state, step) if _is_bare(step) else step
            if told not in seen:
                yield told
            seen.add(told)
        else:
            yield step


def _is_bare(seen: Observation) -> bool:
    return seen == Observation(state=seen.state, group_id=seen.group_id)


def _news(steps: list[Step], envelope: Envelope, *, has_survey: bool) -> Iterator[News]:
    """Yield the news among the steps, what was said before the end that they tell.

    A survey begins at its place, since its questions follow; what nobody in particular
    says after the agent has gone is the virtual agent's.
    """
    end = next((end for end in End if end in steps), None)
    survey_at = end if has_survey and end in _AGENT_GONE else None
    agent_gone = False
    for step in steps:
        if isinstance(step, End):
            agent_gone = agent_gone or step in _AGENT_GONE
            if step == survey_at:
                yield envelope.seen(EntryState.SURVEY)
                survey_at = end = None
        elif agent_gone and isinstance(step, InboundMessage):
            yield _by_the_virtual_agent(step)
        else:
            yield step
    if end:
        yield envelope.seen(_STATES[end])


def _by_the_virtual_agent(said: InboundMessage) -> InboundMessage:
    if said.speaker != Speaker.UNSAID:
        return said
    return replace(said, speaker=Speaker.VIRTUAL_AGENT)
