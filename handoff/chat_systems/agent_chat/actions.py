"""Parts that tell what happens, by their `actionType`: `ActionMsg`.

An action of no known type is read as one of the system, by whatever it says.
"""

from collections.abc import Callable

from handoff.chat_systems.agent_chat.content import words
from handoff.chat_systems.agent_chat.envelope import End, Envelope, Step
from handoff.chat_systems.agent_chat.fields import Part, text_of
from handoff.chat_systems.agent_chat.messages import message_of
from handoff.chat_systems.values import EntryState, Speaker, Typing

# What a text of the system may mean → the end it tells.
_ENDS = {
    "no_agent": End.NO_AGENT,
    "timed_out": End.TIMED_OUT,
    "closed": End.CLOSED,
}


def is_action(part: Part) -> bool:
    return text_of(part, "uiType") == "ActionMsg" or _type_of(part) in ACTIONS


def steps_of(part: Part, envelope: Envelope) -> list[Step]:
    """Return what an action tells, in order."""
    return ACTIONS.get(_type_of(part), _system)(part, envelope)


def _type_of(part: Part) -> str:
    """Return the type; some documents write it with `ActionMsg` behind it."""
    return text_of(part, "actionType", "uiType").removesuffix("ActionMsg")


def _waiting(part: Part, envelope: Envelope) -> list[Step]:
    return [envelope.seen(EntryState.WAITING, wait_text=text_of(part, "waitTime"))]


def _spinner(part: Part, envelope: Envelope) -> list[Step]:
    """Take a spinner for a wait; its `message` is chatter, shown nowhere."""
    if text_of(part, "spinnerType").lower() == "none":
        return []
    return _waiting(part, envelope)


def _accepted(part: Part, envelope: Envelope) -> list[Step]:
    return [envelope.seen(EntryState.ACCEPTED)]


def _switched(part: Part, envelope: Envelope) -> list[Step]:
    return [End.SWITCHED]


def _starts_typing(part: Part, envelope: Envelope) -> list[Step]:
    return [Typing(group_id=envelope.group_id, typing=True)]


def _stops_typing(part: Part, envelope: Envelope) -> list[Step]:
    return [Typing(group_id=envelope.group_id, typing=False)]


def _system(part: Part, envelope: Envelope) -> list[Step]:
    """Read an action that says in words what happens: they are all there is."""
    said = words(text_of(part, "message", "text", "value", "label"))
    if not said:
        return []
    steps: list[Step] = []
    if envelope.means("accepted", said.text):
        steps += _accepted(part, envelope)
    steps.append(
        message_of(part, said, group_id=envelope.group_id, speaker=Speaker.SYSTEM)
    )
    steps += [
        end for meaning, end in _ENDS.items() if envelope.means(meaning, said.text)
    ]
    return steps


def _nothing(part: Part, envelope: Envelope) -> list[Step]:
    return []


ACTIONS: dict[str, Callable[[Part, Envelope], list[Step]]] = {
    "CreateConversation": _nothing,
    "StartConversation": _nothing,
    "SubscribeToSupportQueue": _waiting,
    "StartSpinner": _spinner,
    "EndSpinner": _nothing,
    # Told together with the spinner: no agent has accepted yet.
    "SubscribeToChatPresence": _waiting,
    "SwitchToLiveAgent": _accepted,
    "System": _system,
    "SwitchToVirtualAgent": _switched,
    "SwitchConversation": _nothing,
    "StartTypingIndicator": _starts_typing,
    "EndTypingIndicator": _stops_typing,
    "ChatSubHeader": _nothing,
    "DynamicLoader": _nothing,
    "Separator": _nothing,
    "TopicFinished": _nothing,
}
