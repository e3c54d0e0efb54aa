"""Try it: `python -m handoff.management.demo --help`."""

import argparse
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import NoReturn

import requests

from handoff.management.demo.browser import PageFault
from handoff.management.demo.console import Console
from handoff.management.demo.patience import NotSeen
from handoff.management.demo.place import ROOT, Place, kept_place, new_place
from handoff.management.demo.ports import OPTIONS, CannotStart, Ports
from handoff.management.demo.run import play_once, stay

USUAL = Ports(web=8000, sandbox=8010, bot=8020, second_bot=8021)
ANY = Ports(web=0, sandbox=0, bot=0, second_bot=0)
_FAULTS = (CannotStart, NotSeen, PageFault, requests.RequestException)


def main() -> int:
    """Run the demo; 0 when it went well, or when the person who started it ended it."""
    options = _options()
    # SIGINT too: a shell starts background programs with that one ignored.
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _interrupt)
    try:
        if options.once:
            ports = _ports(options, otherwise=ANY)
            return 0 if play_once(ports, console=Console()) else 1
        stay(_place(options), console=Console())
    except KeyboardInterrupt:
        return 130 if options.once else 0
    except _FAULTS as exc:
        sys.stderr.write(f"\n{exc}\n")
        return 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="make demo",
        description="Start the product beside a stand-in ServiceNow and a chatbot.",
        epilog='Options go into ARGS, as in: make demo ARGS="--fresh --port 8100"',
    )
    parser.add_argument(
        "--once",
        action="store_true",
        help="play a conversation over each chat system, in a folder and on ports of"
        " its own, and end",
    )
    parser.add_argument(
        "--fresh", action="store_true", help="forget what the last demo left behind"
    )
    parser.add_argument(
        "--folder", type=Path, default=ROOT / ".demo", help="where it keeps its data"
    )
    for option, use in OPTIONS.items():
        parser.add_argument(option, type=_port, help=f"the port of {use}")
    options = parser.parse_args()
    options.folder = options.folder.resolve()
    return options


def _port(text: str) -> int:
    port = int(text)
    if not 0 < port < 65_536:
        raise ValueError(text)
    return port


def _interrupt(number: int, frame: FrameType | None) -> NoReturn:
    raise KeyboardInterrupt


def _place(options: argparse.Namespace) -> Place:
    kept = None if options.fresh else kept_place(options.folder)
    ports = _ports(options, otherwise=kept.ports if kept else USUAL)
    if kept and kept.ports != ports:
        raise CannotStart(
            f"The demo in {options.folder} was set up for other ports."
            " Leave them out, or start over with --fresh."
        )
    return kept or new_place(folder=options.folder, ports=ports)


def _ports(options: argparse.Namespace, *, otherwise: Ports) -> Ports:
    return Ports(
        web=options.port or otherwise.web,
        sandbox=options.sandbox_port or otherwise.sandbox,
        bot=options.bot_port or otherwise.bot,
        second_bot=options.second_bot_port or otherwise.second_bot,
    )


if __name__ == "__main__":
    sys.exit(main())
