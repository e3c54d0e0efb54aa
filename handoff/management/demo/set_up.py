"""Set a demo up as its people would: by forms, the Table API and a few calls."""

import requests

from handoff.management.demo import agent_chat_side, servicenow_side
from handoff.management.demo.console import Console
from handoff.management.demo.place import DemoBot, Place
from handoff.management.demo.product_side import BotDeveloper, Shown
from handoff.management.demo.servicenow_side import Administrator


def set_up(place: Place, *, console: Console) -> None:
    """Configure both sides; a stop halfway makes the next start begin anew."""
    administrator = Administrator(instance=place.sandbox)
    developer = BotDeveloper(place)
    pages = []
    for add in (_add_connect_support, _add_agent_chat):
        add(administrator, developer, console=console)
        pages.append(developer.page.url)
    place.mark_set_up(bot_pages=pages)


def check(place: Place, *, console: Console) -> None:
    """Tell whether a demo that was set up earlier still reaches its ServiceNow."""
    console.say("Kept from last time (--fresh starts over).")
    developer = BotDeveloper(place)
    for bot, page in zip(place.bots, place.bot_pages, strict=True):
        developer.open_bot(page)
        console.say(f"{bot.name}: {developer.status()}")


def _add_connect_support(
    administrator: Administrator, developer: BotDeveloper, *, console: Console
) -> None:
    bot = developer.place.connect_support
    developer.open_new_bot()
    application = servicenow_side.register_application(
        administrator, redirect_url=developer.redirect_url()
    )
    console.say(f"{bot.system}: OAuth application registered in ServiceNow")
    shown = developer.add_connect_support(
        application, queue_id=servicenow_side.queue_id(administrator)
    )
    developer.authorize()
    console.say(f"{bot.system}: bot added and authorized. {developer.status()}")
    servicenow_side.install(
        administrator,
        callback_url=developer.callback_url(),
        callback_secret=shown.callback_secret,
    )
    console.say(f"{bot.system}: REST message, properties and business rules installed")
    _finish(bot, developer=developer, shown=shown, console=console)


def _add_agent_chat(
    administrator: Administrator, developer: BotDeveloper, *, console: Console
) -> None:
    bot = developer.place.agent_chat
    developer.open_new_bot()
    shown = developer.add_agent_chat(queue=agent_chat_side.QUEUE)
    console.say(f"{bot.system}: bot added with Basic Auth. {developer.status()}")
    agent_chat_side.install(
        administrator,
        callback_url=developer.callback_url(),
        callback_secret=shown.callback_secret,
    )
    agent_chat_side.ask_after_chats(administrator)
    console.say(f"{bot.system}: outbound connection and survey set up in ServiceNow")
    _finish(bot, developer=developer, shown=shown, console=console)


def _finish(
    bot: DemoBot, *, developer: BotDeveloper, shown: Shown, console: Console
) -> None:
    developer.enable()
    _tell(bot, shown=shown)
    console.say(f"{bot.system}: bot enabled; it has its API key and webhook secret")


def _tell(bot: DemoBot, *, shown: Shown) -> None:
    body = {"api_key": shown.api_key, "webhook_secret": shown.webhook_secret}
    with requests.Session() as session:
        session.trust_env = False
        answer = session.post(f"{bot.url}/setup", json=body, timeout=20)
    answer.raise_for_status()
