"""Envelopes of the Virtual Agent API, and what is read of them."""

from dataclasses import fields
from typing import Any

from handoff.chat_systems import EntryState, InboundMessage, News, Observation
from handoff.chat_systems.agent_chat.reading import read
from handoff.models import AgentChatConfiguration

GROUP = "5f1c0d7e9ab84c32a6d4e8b09f7c2135"
AGENT = {"sentFromAgent": True, "agentName": "Dana Ruiz", "agentId": "7b" * 16}
CLOSED = "Dana Ruiz has closed the support session."


def envelope(*parts: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"clientSessionId": GROUP, "body": list(parts), **more}


def text(value: str, **more: Any) -> dict[str, Any]:
    return {"uiType": "OutputText", "value": value, **more}


def action(kind: str, **more: Any) -> dict[str, Any]:
    return {"uiType": "ActionMsg", "actionType": kind, **more}


def news(*parts: dict[str, Any], relay_survey: bool = False, **more: Any) -> list[News]:
    configuration = AgentChatConfiguration(relay_survey=relay_survey)
    return read(envelope(*parts, **more), configuration=configuration)


def messages(*parts: dict[str, Any], **more: Any) -> list[InboundMessage]:
    return [one for one in news(*parts, **more) if isinstance(one, InboundMessage)]


def states(*parts: dict[str, Any], **more: Any) -> list[EntryState]:
    return [one.state for one in news(*parts, **more) if isinstance(one, Observation)]


def as_json(said: News) -> dict[str, Any]:
    """Return news as a golden file holds it: what was not told is not there."""
    told = {field.name: getattr(said, field.name) for field in fields(said)}
    assert told.pop("group_id") == GROUP
    files = [vars(file) for file in told.get("files", [])]
    shown = {
        name: value
        for name, value in (told | {"files": files}).items()
        if value not in ("", None, [], False) or (name, value) == ("typing", False)
    }
    return {type(said).__name__: shown}
