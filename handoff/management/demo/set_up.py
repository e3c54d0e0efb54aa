"""Set a demo up as its people would: by forms, the Table API and one call."""

import requests

from handoff.management.demo import servicenow_side
from handoff.management.demo.console import Console
from handoff.management.demo.place import Place
from handoff.management.demo.product_side import BotDeveloper, Shown


def set_up(place: Place, *, console: Console) -> None:
    """Configure both sides; a stop halfway makes the next start begin anew."""
    administrator = servicenow_side.Administrator(instance=place.sandbox)
    developer = BotDeveloper(place)
    developer.open_new_bot()
    application = servicenow_side.register_application(
        administrator, redirect_url=developer.redirect_url()
    )
    console.say("ServiceNow: OAuth application registered")
    shown = developer.add_bot(
        application, queue_id=servicenow_side.queue_id(administrator)
    )
    developer.authorize()
    console.say(f"Admin: bot added and authorized. {developer.status()}")
    servicenow_side.install(
        administrator,
        callback_url=developer.callback_url(),
        callback_secret=shown.callback_secret,
    )
    console.say("ServiceNow: REST message, properties and business rules installed")
    developer.enable()
    console.say("Admin: bot enabled")
    _tell_demo_bot(shown, place=place)
    console.say("Demo bot: has its API key and webhook secret")
    place.mark_set_up(bot_page=developer.page.url)


def check(place: Place, *, console: Console) -> None:
    """Tell whether a demo that was set up earlier still reaches its ServiceNow."""
    developer = BotDeveloper(place)
    developer.open_bot()
    console.say(f"Kept from last time (--fresh starts over). {developer.status()}")


def _tell_demo_bot(shown: Shown, *, place: Place) -> None:
    body = {"api_key": shown.api_key, "webhook_secret": shown.webhook_secret}
    with requests.Session() as session:
        session.trust_env = False
        answer = session.post(f"{place.bot}/setup", json=body, timeout=20)
    answer.raise_for_status()
