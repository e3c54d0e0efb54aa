"""Start the stand-in instance: `python -m handoff.sandbox.instance --port 8010 …`."""

import argparse
import os
import signal
import sys
from pathlib import Path

import django
from django.core.management import call_command


def main() -> None:
    arguments = _arguments()
    arguments.data.mkdir(parents=True, exist_ok=True)
    os.environ["SANDBOX_DATA"] = str(arguments.data.resolve())
    os.environ["DJANGO_SETTINGS_MODULE"] = "handoff.sandbox.instance.settings"
    # From the first moment on: a process that only starts must end as promptly.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: sys.exit(0))
    django.setup()
    call_command("migrate", verbosity=0)
    # Needs the settings, which need the folder.
    from handoff.sandbox.instance import server  # noqa: PLC0415

    server.serve(port=arguments.port)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m handoff.sandbox.instance")
    parser.add_argument("--port", type=int, default=8010)
    parser.add_argument("--data", type=Path, required=True, help="folder of its store")
    return parser.parse_args()


if __name__ == "__main__":
    main()
