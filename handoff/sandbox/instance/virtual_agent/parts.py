"""What an envelope's `body` is made of, one function a kind of part."""

import secrets
from dataclasses import dataclass, field
from typing import Any

from handoff.sandbox.instance import addresses, store, switches, users
from handoff.sandbox.instance.models import Row

Part = dict[str, Any]
ROUTING = "Routing you to a live agent..."


@dataclass(frozen=True, kw_only=True)
class Said:
    """What one post says; the flags stand in the envelope, where they are true."""

    parts: list[Part] = field(default_factory=list)
    agent_chat: bool = False
    completed: bool = False
    take_control: bool = False
    score: int | None = None


def text(value: str) -> Part:
    return _part("OutputText", "DefaultText", value=value, maskType="NONE")


def from_agent(part: Part, *, agent: Row, line: Row) -> Part:
    """Name the agent and the line, so that a receipt can name it too."""
    info: dict[str, Any] = {"sentFromAgent": True}
    profile = users.profile_of(agent)
    if switches.read("va_agent_names"):
        info["agentName"] = store.name_of(agent)
        info["agentAvatar"] = addresses.absolute(profile.value("photo"))
    info["agentId"] = profile.sys_id
    return part | {"agentInfo": info, "messageId": line.sys_id}


def attachment(row: Row) -> Part:
    """Show a picture, or a link to any other file; both need authentication."""
    url = addresses.absolute(f"/api/now/v1/cs/media/{row.sys_id}")
    name = row.value("file_name")
    if row.value("content_type").startswith("image/"):
        return _part("OutputImage", "DefaultOutputImage", value=url, altText=name)
    return _part(
        "OutputLink",
        "DefaultOutputLink",
        header=name,
        label=name,
        type="link",
        value={"action": url, "target": "_blank"},
    )


def picker(label: str, *, options: list[tuple[str, str]]) -> Part:
    """Ask to choose one; `options` are pairs of label and value."""
    return _part(
        "Picker",
        "DefaultPicker",
        label=label,
        itemType="List",
        style="list",
        multiSelect=False,
        options=_options(options),
    )


def topics(prompt: str, *, options: list[tuple[str, str]]) -> Part:
    return _part(
        "TopicPickerControl",
        "DefaultPicker",
        promptMsg=prompt,
        label=prompt,
        options=_options(options),
    )


def action(kind: str, **fields: Any) -> Part:
    return {"uiType": "ActionMsg", "actionType": kind, **fields}


def opened(kind: str, *, interaction: Row) -> Part:
    """Tell that a conversation was created or started, and its id."""
    part = action(kind, conversationId=interaction.value("conversation"))
    if kind == "CreateConversation":
        part["interactionId"] = interaction.sys_id
    return part | {"messageId": _new_id()}


def system(message: str) -> Part:
    return action("System", message=message)


def waiting(queue: Row, *, interaction: Row) -> list[Part]:
    """Tell that the conversation stands in line; two values are no JSON, as it is."""
    queue_map = {"sysId": queue.sys_id, "name": queue.value("name")}
    user = {"userId": interaction.value("channel_user_id")}
    return [
        action("SubscribeToSupportQueue", supportQueue=_java_map(queue_map)),
        action(
            "SubscribeToChatPresence",
            channel=f"/cs/presence/{interaction.value('conversation')}",
            chatSessionId=interaction.value("conversation"),
            userDetails=_java_map(user),
        ),
        action(
            "StartSpinner",
            spinnerType="wait_time",
            message=ROUTING,
            waitTime=queue.value("average_wait_time"),
        ),
    ]


def _part(kind: str, group: str, **fields: Any) -> Part:
    return {"uiType": kind, "group": group, "messageId": _new_id(), **fields}


def _options(options: list[tuple[str, str]]) -> list[dict[str, Any]]:
    return [
        {"label": label, "value": value, "enabled": True, "renderStyle": "none"}
        for label, value in options
    ]


def _java_map(values: dict[str, str]) -> str:
    return "{" + ", ".join(f"{name}={value}" for name, value in values.items()) + "}"


def _new_id() -> str:
    return secrets.token_hex(16)
