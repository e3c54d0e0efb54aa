"""The two ways to run a demo: until Ctrl-C, or for two conversations."""

import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from handoff.management.demo import programs
from handoff.management.demo.agent_chat_conversation import AgentChatConversation
from handoff.management.demo.chat_page import ChatPage
from handoff.management.demo.console import Console
from handoff.management.demo.conversation import Conversation
from handoff.management.demo.desk import Desk
from handoff.management.demo.patience import Patience
from handoff.management.demo.place import Place, new_place
from handoff.management.demo.ports import Ports
from handoff.management.demo.processes import Supervisor
from handoff.management.demo.set_up import check, set_up
from handoff.management.demo.welcome import welcome

_TEND_SECONDS = 0.5


def stay(place: Place, *, console: Console) -> NoReturn:
    """Keep a demo running until an interrupt, which ends all of it."""
    with _running(place, console=console) as supervisor:
        if place.is_set_up:
            check(place, console=console)
        else:
            set_up(place, console=console)
        welcome(place, console=console)
        while True:
            supervisor.tend()
            time.sleep(_TEND_SECONDS)


def play_once(ports: Ports, *, console: Console) -> bool:
    """Set up a demo of its own, play a conversation over each chat system, and tell
    whether both went well.

    Its folder goes with it, unless its logs may say what went wrong.
    """
    folder = Path(tempfile.mkdtemp(prefix="handoff-demo-"))
    console.say(f"Data and logs in {folder}")
    place = new_place(folder=folder, ports=ports.filled())
    try:
        faults = _play(place, console=console)
    except KeyboardInterrupt:
        shutil.rmtree(folder)
        raise
    if not faults:
        shutil.rmtree(folder)
    _report(faults, console=console)
    return not faults


def _play(place: Place, *, console: Console) -> list[str]:
    with _running(place, console=console) as supervisor:
        set_up(place, console=console)
        kinds = (Conversation, AgentChatConversation)
        return [
            f"{bot.system}: {fault}"
            for bot, kind in zip(place.bots, kinds, strict=True)
            for fault in kind(
                system=bot.system,
                console=console,
                patience=Patience(supervisor.tend),
                user=ChatPage(url=bot.url),
                agent=Desk(url=place.sandbox),
            ).play()
        ]


@contextmanager
def _running(place: Place, *, console: Console) -> Iterator[Supervisor]:
    place.ports.check()
    place.prepare()
    # All of them end even if the terminal is gone, and saying so fails.
    with Supervisor(console) as supervisor:
        try:
            programs.start_all(supervisor, place=place)
            yield supervisor
        finally:
            console.say("Ending all processes")


def _report(faults: list[str], *, console: Console) -> None:
    for fault in faults:
        console.say(f"FAULT  {fault}")
    if faults:
        console.say(f"Faults: {len(faults)}. Not all arrived as it was sent.")
    else:
        console.say(
            "Over both chat systems every message and file arrived once, in order, as"
            " it was sent. All is well."
        )
