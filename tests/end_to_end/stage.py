"""The product between a bot and the sandbox, set up through its own pages."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from handoff.management.demo import servicenow_side
from handoff.management.demo.desk import Desk
from handoff.management.demo.place import Place
from handoff.management.demo.ports import Ports
from handoff.management.demo.product_side import BotDeveloper, Shown
from handoff.management.demo.servicenow_side import Administrator
from tests.end_to_end.proxy import Proxy
from tests.processes import PASSWORD, Product
from tests.sandbox.instance import running_instance


@dataclass
class Stage:
    product: Product
    proxy: Proxy
    developer: BotDeveloper
    desk: Desk
    api_key: str

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.api_key}"}
        url = f"{self.product.url}/api/v1/{path}"
        return requests.request(method, url, headers=headers, timeout=40, **options)

    def start(self, conversation_id: str) -> str:
        """Hand a conversation over; return the handoff's id once it is queued."""
        body = {"conversation_id": conversation_id, "message": "A question"}
        answer = self.call("POST", "handoffs", json=body)
        assert answer.status_code == 202, answer.text
        handoff_id = answer.json()["id"]
        eventually(lambda: self.state_of(handoff_id) == "queued")
        return str(handoff_id)

    def state_of(self, handoff_id: str) -> str:
        return str(self.call("GET", f"handoffs/{handoff_id}").json()["state"])

    def post(self, handoff_id: str, text: str) -> None:
        body = {"id": text, "text": text}
        answer = self.call("POST", f"handoffs/{handoff_id}/messages", json=body)
        assert answer.status_code == 202, answer.text

    def messages(self, handoff_id: str) -> list[dict[str, Any]]:
        """Return all messages of a handoff in our order."""
        return self._pages(f"handoffs/{handoff_id}/messages")

    def events(self) -> list[dict[str, Any]]:
        """Return the whole feed."""
        return self._pages("events")

    def _pages(self, path: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        after: str | int = ""
        while True:
            page = self.call("GET", f"{path}?limit=200&after={after}").json()
            found += page["items"]
            if not page["has_more"]:
                return found
            after = page["next"]

    def shown(self) -> list[str]:
        """Return what the agent sees the user saying in the open chat."""
        lines = self.desk.lines()
        return [line.text for line in lines if line.author != "Live Agent"]


def eventually(
    happened: Callable[[], object], *, timeout: float = 30, pause: float = 0.1
) -> None:
    end = time.monotonic() + timeout
    while not happened():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(pause)


@contextmanager
def set_stage(product: Product, folder: Path) -> Iterator[Stage]:
    """Start web and sandbox, configure a bot by form and consent; no worker yet.

    The product's database is prepared.
    """
    folder.mkdir()
    with running_instance(folder) as (instance, _), Proxy(instance.url) as proxy:
        product.env |= {
            "SERVICENOW_EXTRA_ORIGINS": proxy.url,
            "WEBHOOK_EXTRA_ORIGINS": "http://127.0.0.1:9",
        }
        product.web()
        place = Place(
            folder=folder,
            ports=Ports(web=product.port, sandbox=proxy.port, bot=9, second_bot=9),
            keys={"DJANGO_SUPERUSER_PASSWORD": PASSWORD},
        )
        developer, api_key = _configure(place)
        desk = Desk(url=instance.url)
        desk.log_in()
        yield Stage(product, proxy, developer, desk, api_key)


def _configure(place: Place) -> tuple[BotDeveloper, str]:
    developer = BotDeveloper(place)
    administrator = Administrator(instance=place.sandbox)
    with administrator.session:
        developer.open_new_bot()
        shown = add_connect_support(developer, administrator)
        developer.enable()
    return developer, shown.api_key


def add_connect_support(developer: BotDeveloper, administrator: Administrator) -> Shown:
    """Configure the bot whose page is open, by OAuth, and its ServiceNow."""
    application = servicenow_side.register_application(
        administrator, redirect_url=developer.redirect_url()
    )
    queue_id = servicenow_side.queue_id(administrator)
    shown = developer.add_connect_support(application, queue_id=queue_id)
    developer.authorize()
    servicenow_side.install(
        administrator,
        callback_url=developer.callback_url(),
        callback_secret=shown.callback_secret,
    )
    return shown
