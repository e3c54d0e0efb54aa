"""Where messages are posted, and what a message looks like there."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol
from uuid import uuid4

from bench.load import Call


class Door(Protocol):
    @property
    def port(self) -> int: ...

    def call(self, number: int) -> Call:
        """Return the call that posts one more message, unlike any other."""
        ...


def calls(door: Door, count: int) -> list[Call]:
    return [door.call(number) for number in range(count)]


@dataclass(frozen=True)
class Handoffs:
    """Open handoffs of the product's; messages go round them."""

    port: int
    ids: Sequence[str]
    # As many as ids: a bot's key for each.
    keys: Sequence[str] = field(repr=False)

    def call(self, number: int) -> Call:
        text, turn = uuid4().hex, number % len(self.ids)
        path = f"/api/v1/handoffs/{self.ids[turn]}/messages"
        authorization = f"Bearer {self.keys[turn]}"
        return post(path, {"id": text, "text": text}, authorization, text=text)


@dataclass(frozen=True)
class Simple:
    """A relay among the baselines."""

    port: int
    token: str = field(repr=False)

    def call(self, number: int) -> Call:
        text = uuid4().hex
        body = {"group": f"{number % 32:032x}", "text": text}
        return post("/messages/", body, f"Token {self.token}", text=text)


@dataclass(frozen=True)
class Callbacks:
    """The product's Callback URL, called as its business rule does."""

    port: int
    path: str
    groups: Sequence[str]
    secret: str = field(repr=False)

    def call(self, number: int) -> Call:
        sys_id = uuid4().hex
        body = callback_body(self.groups[number % len(self.groups)], sys_id)
        stamp = int(time.time())
        key = base64.b64decode(self.secret.removeprefix("whsec_"))
        mac = hmac.digest(key, f"{sys_id}.{stamp}.".encode() + body, hashlib.sha256)
        headers = {
            "Content-Type": "application/json",
            "webhook-id": sys_id,
            "webhook-timestamp": str(stamp),
            "webhook-signature": f"v1,{base64.b64encode(mac).decode()}",
        }
        return Call(path=self.path, body=body, headers=headers, text=sys_id)


@dataclass(frozen=True)
class Bare:
    """The view that does nothing but one INSERT."""

    port: int

    def call(self, number: int) -> Call:
        sys_id = uuid4().hex
        body = callback_body(f"{number % 32:032x}", sys_id)
        headers = {"Content-Type": "application/json"}
        return Call(path="/callbacks/", body=body, headers=headers, text=sys_id)


def post(path: str, body: dict[str, str], authorization: str, *, text: str) -> Call:
    headers = {"Content-Type": "application/json", "Authorization": authorization}
    return Call(path=path, body=json.dumps(body).encode(), headers=headers, text=text)


def callback_body(group: str, sys_id: str) -> bytes:
    said = {
        "event": "message",
        "instance": "bench",
        "group": group,
        "sys_id": sys_id,
        "message": sys_id,
        "formatted_message": sys_id,
        "sys_created_by": "agent",
        "sender_name": "Agent",
        "sys_created_on": time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime()),
        "last_message": "",
    }
    return json.dumps(said).encode()
