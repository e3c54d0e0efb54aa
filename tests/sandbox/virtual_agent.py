"""A bot of the Virtual Agent API, the agent at the desk, and what is posted to it."""

import uuid
from typing import Any

import requests

from tests.sandbox.instance import AGENT, BOT, Browser, Instance, eventually
from tests.sandbox.receiver import Received, Receiver

BOT_API = "/api/sn_va_as_service/bot/integration"
APPLICATION = "8d3f41bce5a67c9ac3d4f6b80ac23e45"
CONNECTION = "9e4052cdf6b78dabd4e5a7c91bd34f56"
REST_MESSAGE = "af5163dea7c89ebce5f6b8da2ce45a67"
REST_METHOD = "b06274efb8d9afcdf6a7c9eb3df56b78"
BILLING = "7c2e30abd4f56b89b2c3e5a7f9b12d34"
SUPPORT = {"live_agent_only": "true", "liveagent_queue_id": "support"}

Part = dict[str, Any]


class VirtualAgentBot:
    """A bot with one user, who has one conversation at a time."""

    def __init__(self, instance: Instance, receiver: Receiver) -> None:
        self.instance = instance
        self.receiver = receiver
        self.user_id = uuid.uuid4().hex

    def send(
        self, *, headers: dict[str, str] | None = None, **body: Any
    ) -> requests.Response:
        """Make a request as it stands, with the ids that each has."""
        ids = {"requestId": uuid.uuid4().hex, "userId": self.user_id}
        ids["clientSessionId"] = self.user_id
        return self.instance.call(
            "POST", BOT_API, auth=BOT, json=ids | body, headers=headers
        )

    def ask(self, action: str = "", **body: Any) -> Any:
        if action:
            body["action"] = action
        response = self.send(**body)
        assert response.status_code == 200, response.text
        return response.json()

    def say(self, text: str, **message: Any) -> Any:
        return self.ask(message={"text": text, "typed": True, **message})

    def start(self, text: str = "Hello", **body: Any) -> str:
        """Ask for an agent and return the interaction, once it waits for one."""
        context = body.pop("contextVariables", SUPPORT)
        self.ask(
            "START_CONVERSATION",
            message={"text": text},
            contextVariables=context,
            **body,
        )
        assert self.told("StartSpinner")
        return str(self.interaction["sys_id"])

    @property
    def interaction(self) -> Any:
        query = f"channel_user_id={self.user_id}"
        return self.instance.table("interaction", sysparm_query=query)[-1]

    def handled(self, text: str) -> bool:
        """Wait until a request with this text has been carried out."""
        return eventually(lambda: text in self.interaction["last_request"])

    # What came of it
    @property
    def received(self) -> list[Received]:
        every = list(self.receiver.received)
        return [one for one in every if one.body.get("userId") == self.user_id]

    @property
    def posts(self) -> list[Any]:
        return [one.body for one in self.received]

    @property
    def parts(self) -> list[Part]:
        return [part for post in self.posts for part in post["body"]]

    def told(self, kind: str, **fields: Any) -> Part | None:
        """Wait for a part of this `actionType` or `uiType` with these fields."""

        def find() -> Part | None:
            return next((p for p in self.parts if _is(p, kind, fields)), None)

        return eventually(find)

    def finished(self) -> Any:
        """Wait for the post that ends the conversation and return it."""
        ends = ("completed", "takeControl")

        def find() -> Any:
            found = [p for p in self.posts if any(p.get(end) for end in ends)]
            return found[0] if found else None

        return eventually(find)


class Desk:
    """An agent of Agent Chat in a browser."""

    def __init__(self, instance: Instance, *, agent: tuple[str, str] = AGENT) -> None:
        self.browser = Browser(instance)
        self.browser.log_in(agent)

    def act(self, interaction: str, action: str, **fields: Any) -> requests.Response:
        chat = f"/desk/chats/{interaction}/"
        page = self.browser.get("/desk/")
        answer = self.browser.submit(page, action=f"{chat}{action}/", **fields)
        assert answer.status_code in (204, 302), answer.text
        return answer

    def say(self, interaction: str, text: str) -> None:
        self.act(interaction, "messages", text=text)

    def send_file(self, interaction: str, file: tuple[str, bytes, str]) -> None:
        page = self.browser.get("/desk/")
        path = f"/desk/chats/{interaction}/messages/"
        assert self.browser.submit(page, action=path, file=file).status_code == 302

    def page(self, interaction: str) -> str:
        return self.browser.get(f"/desk/chats/{interaction}/").text

    def shows(self, interaction: str, text: str) -> bool:
        return eventually(lambda: text in self.page(interaction))

    def waiting(self) -> str:
        """Return what is on offer, as the page's list displays it."""
        return self.browser.get("/desk/chats/").text

    def close(self) -> None:
        self.browser.session.close()


def connect(instance: Instance, *, url: str) -> None:
    """Fill in where the app posts to, as administrators do from 4.1 on and before."""
    instance.patch("http_connection", CONNECTION, connection_url=url)
    instance.patch("sys_rest_message", REST_MESSAGE, rest_endpoint=url)
    instance.patch("sys_rest_message_fn", REST_METHOD, rest_endpoint=url)


def log_says(instance: Instance, text: str) -> Any:
    query = f"source=sn_va_as_service^messageLIKE{text}"
    return eventually(lambda: instance.table("syslog", sysparm_query=query))


def _is(part: Part, kind: str, fields: dict[str, Any]) -> bool:
    named = kind in (part.get("actionType"), part["uiType"])
    return named and all(part.get(name) == value for name, value in fields.items())
