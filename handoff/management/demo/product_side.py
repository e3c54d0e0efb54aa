"""What a bot developer does in the admin: add a bot, authorize it, switch it on."""

import secrets
from dataclasses import dataclass

from handoff.management.demo.browser import Browser, Page, PageFault
from handoff.management.demo.markup import Node
from handoff.management.demo.place import Place
from handoff.management.demo.servicenow_side import (
    INTEGRATION_PASSWORD,
    INTEGRATION_USER,
    Application,
)


@dataclass(frozen=True)
class Secrets:
    """What the page shows once."""

    api_key: str
    webhook: str
    callback: str


class Operator:
    def __init__(self, place: Place) -> None:
        self.place = place
        self.browser = Browser()
        self.page: Page

    def log_in(self) -> None:
        page = self.browser.get(f"{self.place.web}/admin/")
        login = page.form(having="password")
        self.browser.submit(login, username="admin", password=self.place.password)

    def open_new_bot(self) -> None:
        self.page = self.browser.get(f"{self.place.web}/admin/handoff/bot/add/")

    def open_bot(self) -> None:
        """Open the one of this demo; other demos may share its database."""
        bots = self.browser.get(f"{self.place.web}/admin/handoff/bot/")
        for link in bots.root.find("a"):
            if link.line == BOT:
                self.page = self.browser.get(bots.address(link))

    def add_bot(self, application: Application, *, queue_id: str) -> None:
        """Fill in the Configurations and press Authorize, then log in and allow."""
        login = self.browser.submit(
            self.page.form(having="_authorize"),
            name="Demo bot",
            slug=f"demo-{secrets.token_hex(3)}",
            host_url=f"{self.place.sandbox}/now/nav/ui/home",
            authorization_type="oauth",
            client_id=application.client_id,
            client_secret=application.client_secret,
            queue_id=queue_id,
            webhook_url=f"{self.place.bot}/webhook",
            _authorize="1",
        )
        consent = self.browser.submit(
            login.form(having="user_password"),
            user_name=INTEGRATION_USER,
            user_password=INTEGRATION_PASSWORD,
        )
        form = consent.form(having="decision")
        self.page = self.browser.submit(form, decision="allow")
