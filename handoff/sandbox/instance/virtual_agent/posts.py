"""Envelopes: what goes to the bot's endpoint, one at a time and never again."""

import json
import re
import time
from typing import Any

from handoff.sandbox.instance import store, switches
from handoff.sandbox.instance.background import Worker
from handoff.sandbox.instance.models import Post, Row
from handoff.sandbox.instance.virtual_agent import outbound
from handoff.sandbox.instance.virtual_agent.parts import Part, Said

# How long a post waits for the next one, to be overtaken by it.
SHUFFLE_WINDOW = 0.15
ECHOED = ("requestId", "clientSessionId", "userId", "message", "clientVariables")

worker = Worker("va posts")


def post(interaction: Row, said: Said) -> None:
    """Queue an envelope, which goes out when the transaction is committed."""
    Post.objects.create(interaction=interaction, body=envelope(interaction, said))
    worker.wake_on_commit()


def envelope(interaction: Row, said: Said) -> dict[str, Any]:
    """Answer the last request, with the fields that the app's version has."""
    version = app_version()
    request = json.loads(interaction.value("last_request"))
    body = {name: request[name] for name in ECHOED if name in request}
    inbound_id = store.read(interaction, path="provider_application.inbound_id")
    if inbound_id and version >= (4, 1):
        body["appInboundId"] = inbound_id
    if version >= (4,):
        body["interactionId"] = interaction.sys_id
    body["body"] = [_known(part, version=version) for part in said.parts]
    flags = {
        "agentChat": said.agent_chat,
        "completed": said.completed,
        "takeControl": said.take_control,
    }
    body |= {name: True for name, is_set in flags.items() if is_set}
    return body if said.score is None else body | {"score": said.score}


def app_version() -> tuple[int, ...]:
    """Return the version's numbers, such as (4, 1)."""
    told = switches.read("va_app_version")
    return tuple(int(number) for number in re.findall(r"\d+", told))


def send_all() -> None:
    """Post what is due; in the wrong order, or twice, where switches say so."""
    while batch := _next_batch():
        for due in batch:
            for _ in range(2 if switches.read("va_duplicates") else 1):
                outbound.deliver(due, version=app_version())
            # One that the process died over goes again; nothing else does.
            due.delete()


def _next_batch() -> list[Post]:
    due = Post.objects.select_related("interaction")
    if switches.read("va_order") != "shuffled":
        return list(due[:1])
    if due.exists():
        time.sleep(SHUFFLE_WINDOW)
    return list(due[:2])[::-1]


def _known(part: Part, *, version: tuple[int, ...]) -> Part:
    """Leave out what an older version of the app does not tell."""
    part = dict(part)
    if version < (4,):
        part.pop("messageId", None)
    if version < (3, 14, 3) and "agentInfo" in part:
        info = part["agentInfo"]
        part["agentInfo"] = {name: info[name] for name in info if name != "agentId"}
    return part
