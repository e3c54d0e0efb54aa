"""What a newcomer is told to open and to click."""

from handoff.management.demo import desk, servicenow_side
from handoff.management.demo.console import Console
from handoff.management.demo.place import DemoBot, Place

STEPS = """
1. Open a chat page, of the chat system that you have, and say “agent”.
2. Open the agent desk, log in, and accept the chat.
3. Write and send files on either side, then press “End chat” on the desk.
4. In the admin, open the bot under Bots, and your handoff under Handoffs.
"""


def welcome(place: Place, *, console: Console) -> None:
    administrator = " / ".join(servicenow_side.ADMINISTRATOR)
    interface = (
        f"{servicenow_side.INTEGRATION_USER} / {servicenow_side.INTEGRATION_PASSWORD}"
    )
    rows = (
        *(("Chat page", f"{bot.url}/", _user_of(bot)) for bot in place.bots),
        ("Agent desk", f"{place.sandbox}/desk/", f"{desk.AGENT} / {desk.PASSWORD}"),
        ("Admin", f"{place.web}/admin/", f"admin / {place.password}"),
        ("Bots", f"{place.web}/admin/handoff/bot/", "how they are configured"),
        ("API docs", f"{place.web}/api/docs/", "no login"),
        ("ServiceNow", f"{place.sandbox}/", f"{administrator} (the sandbox)"),
        ("", "", f"{interface} (Authorize)"),
    )
    wide = max(len(url) for _, url, _ in rows)
    lines = [f"{name:<10}  {url:<{wide}}  {login}" for name, url, login in rows]
    console.write("")
    console.box("Handoff is running", ["", *lines, "", *STEPS.strip().split("\n"), ""])
    console.write(f"\nLogs: {place.folder / 'logs'}. Ctrl-C ends all of it.")


def _user_of(bot: DemoBot) -> str:
    return f"no login: a bot with {bot.system}"
