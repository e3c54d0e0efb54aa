"""What a newcomer is told to open and to click."""

from handoff.management.demo import desk, servicenow_side
from handoff.management.demo.console import Console
from handoff.management.demo.place import Place

STEPS = """
1. Open the chat page and say “agent”.
2. Open the agent desk, log in, and accept the chat.
3. Write on either side, then press “End chat” on the desk: the bot resumes.
4. In the admin, open Demo bot under Bots, and your handoff under Handoffs.
"""


def welcome(place: Place, *, console: Console) -> None:
    administrator = " / ".join(servicenow_side.ADMINISTRATOR)
    interface = (
        f"{servicenow_side.INTEGRATION_USER} / {servicenow_side.INTEGRATION_PASSWORD}"
    )
    rows = (
        ("Chat page", f"{place.bot}/", "no login: the user of a chatbot"),
        ("Agent desk", f"{place.sandbox}/desk/", f"{desk.AGENT} / {desk.PASSWORD}"),
        ("Admin", f"{place.web}/admin/", f"admin / {place.password}"),
        ("API docs", f"{place.web}/api/docs/", "no login"),
        ("ServiceNow", f"{place.sandbox}/", f"{administrator} (the sandbox)"),
        ("", "", f"{interface} (who presses Authorize)"),
    )
    wide = max(len(url) for _, url, _ in rows)
    lines = [f"{name:<10}  {url:<{wide}}  {login}" for name, url, login in rows]
    console.write("")
    console.box("Handoff is running", ["", *lines, "", *STEPS.strip().split("\n"), ""])
    console.write(f"\nLogs: {place.folder / 'logs'}. Ctrl-C ends all of it.")
