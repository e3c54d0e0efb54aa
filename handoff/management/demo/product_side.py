"""What a bot developer does in the admin: add a bot, authorize it, switch it on."""

import secrets
from dataclasses import dataclass

from handoff.management.demo import script
from handoff.management.demo.browser import Browser, Page, PageFault
from handoff.management.demo.place import DemoBot, Place
from handoff.management.demo.servicenow_side import (
    INTEGRATION_PASSWORD,
    INTEGRATION_USER,
    Application,
)


@dataclass(frozen=True)
class Shown:
    """What the page shows once, when the bot was added."""

    api_key: str
    webhook_secret: str
    callback_secret: str


class BotDeveloper:
    """Somebody at the page of one bot; `page` is what is on the screen."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self.browser = Browser()
        login = self.browser.get(f"{place.web}/admin/").form(having="password")
        fields = {"username": "admin", "password": place.password}
        self.page = self.browser.submit(login, **fields)

    def open_new_bot(self) -> None:
        self.page = self.browser.get(f"{self.place.web}/admin/handoff/bot/add/")

    def open_bot(self, page: str) -> None:
        self.page = self.browser.get(page)

    def add_connect_support(self, application: Application, *, queue_id: str) -> Shown:
        """Fill in the Configurations and press Authorize."""
        return self._add(
            self.place.connect_support,
            button="_authorize",
            authorization_type="oauth",
            client_id=application.client_id,
            client_secret=application.client_secret,
            queue_id=queue_id,
        )

    def add_agent_chat(self, *, queue: str) -> Shown:
        """Fill in the Configurations, Basic Auth this time, and press Save."""
        shown = self._add(
            self.place.agent_chat,
            button="_save",
            chat_system="agent_chat",
            authorization_type="basic",
            user_name=INTEGRATION_USER,
            password=INTEGRATION_PASSWORD,
            queue_id=queue,
            callback_authentication="header",
            relay_survey="on",
        )
        self.page = self.browser.get(self.page.link_to("/change/"))
        return shown

    def _add(self, bot: DemoBot, *, button: str, **fields: str) -> Shown:
        own = {
            "name": bot.name,
            "slug": f"demo-{secrets.token_hex(3)}",
            "host_url": f"{self.place.sandbox}/now/nav/ui/home",
            "webhook_url": f"{bot.url}/webhook",
            # Whoever tries it does so more often than users should.
            "handoffs_per_hour": "100",
        }
        self._submit(button, **{button: "1"}, **own, **script.STAGES, **fields)
        return Shown(
            api_key=_offered(self.page, id="api-key"),
            webhook_secret=_offered(self.page, id="webhook-secret"),
            callback_secret=_offered(self.page, id="callback-secret"),
        )

    def authorize(self) -> None:
        """Go on to ServiceNow, log in there, allow, and come back to the bot."""
        self.page = self.browser.get(self.page.link_to("/oauth_auth.do"))
        self._submit(
            "user_name", user_name=INTEGRATION_USER, user_password=INTEGRATION_PASSWORD
        )
        self._submit("decision", decision="allow")

    def enable(self) -> None:
        """Save with Enable on, which the product refuses unless all is well."""
        self._submit("_save", _save="1", enabled="on")
        if "enabled" not in self.page.form(having="_save").fields:
            raise PageFault(f"the bot could not be enabled: {self.page.hint}")

    def redirect_url(self) -> str:
        return _offered(self.page, start=f"{self.place.web}/servicenow/oauth/")

    def callback_url(self) -> str:
        return _offered(self.page, start=f"{self.place.web}/servicenow/callback/")

    def status(self) -> str:
        """Return the line that says where the connection stands."""
        return self.page.root.find(id="status-line")[0].line

    def _submit(self, having: str, **fields: str) -> None:
        self.page = self.browser.submit(self.page.form(having=having), **fields)


def _offered(page: Page, *, start: str = "", **attributes: str) -> str:
    """Return what the page offers to copy: the value with this beginning or id."""
    for node in page.root.find("code", **attributes):
        if node.line.startswith(start):
            return node.line
    raise PageFault(f"{page.url} shows no {attributes or start}: {page.hint}")
