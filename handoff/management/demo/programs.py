"""The processes of a demo, and how each tells that it is up."""

import sys
from functools import partial

import requests

from handoff.management.demo.patience import Patience
from handoff.management.demo.place import DemoBot, Place
from handoff.management.demo.ports import HOST
from handoff.management.demo.processes import Program, Supervisor


def start_all(supervisor: Supervisor, *, place: Place) -> None:
    """Prepare the database, start everything, and wait until the doors are open."""
    say = supervisor.console.say
    for program in _stand_ins(place):
        supervisor.start(program)
    say("Sandbox and demo bots started; preparing the database")
    supervisor.run(_program(place, "preparation", "manage.py", "prepare_demo"))
    for program in (_web(place), *_celery(place)):
        supervisor.start(program)
    say("Web, worker and beat started")
    _await_doors(place, patience=Patience(supervisor.tend))
    say("All of them are up")


def _await_doors(place: Place, *, patience: Patience) -> None:
    doors = {
        "web pages": f"{place.web}/readyz",
        "sandbox": f"{place.sandbox}/",
    } | {bot.name: f"{bot.url}/healthz" for bot in place.bots}
    for name, url in doors.items():
        what = f"The {name} at {url}"
        patience.until(partial(_answers, url), what=what, seconds=60)


def _web(place: Place) -> Program:
    return _program(
        place,
        "web",
        *("-m", "granian", "--interface", "wsgi", "--host", HOST),
        *("--port", str(place.ports.web), "--blocking-threads", "16"),
        "config.wsgi:application",
    )


def _celery(place: Place) -> tuple[Program, Program]:
    worker = ("worker", "--without-mingle", "--without-gossip")
    # This scheduler keeps no file of its own: what is due is in the database.
    beat = ("beat", "--scheduler", "celery.beat:Scheduler")
    celery = ("-m", "celery", "-A", "config")
    return (
        _program(place, "worker", *celery, *worker),
        _program(place, "beat", *celery, *beat),
    )


def _stand_ins(place: Place) -> list[Program]:
    port = ("--port", str(place.ports.sandbox))
    return [
        _stand_in(place, "sandbox", "handoff.sandbox.instance", *port),
        *(_demo_bot(place, bot) for bot in place.bots),
    ]


def _demo_bot(place: Place, bot: DemoBot) -> Program:
    options = ("--port", str(bot.port), "--product", place.web, "--name", bot.name)
    return _stand_in(place, bot.program, "handoff.sandbox.demo_bot", *options)


def _stand_in(place: Place, name: str, module: str, *options: str) -> Program:
    """Describe one that knows nothing of the product, its secrets included."""
    data = ("--data", str(place.folder / name))
    command = (sys.executable, "-m", module, *options, *data)
    return Program(
        name=name, command=command, log=place.folder / "logs" / f"{name}.log"
    )


def _program(place: Place, name: str, *arguments: str) -> Program:
    return Program(
        name=name,
        command=(sys.executable, *arguments),
        log=place.folder / "logs" / f"{name}.log",
        environment=place.environment(),
    )


def _answers(url: str) -> bool:
    with requests.Session() as session:
        session.trust_env = False
        try:
            return session.get(url, timeout=5).ok
        except requests.RequestException:
            return False
