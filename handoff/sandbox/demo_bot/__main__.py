"""Start the demo bot: python -m handoff.sandbox.demo_bot --help."""

import argparse
import os
import signal
import sys
from pathlib import Path

import django
from django.core.management import call_command


def main() -> None:
    """Prepare the store in the data folder, then serve."""
    parser = argparse.ArgumentParser(prog="python -m handoff.sandbox.demo_bot")
    parser.add_argument("--port", type=int, default=8020, help="0 takes a free one")
    parser.add_argument("--data", type=Path, required=True, help="folder of its store")
    parser.add_argument("--product", required=True, help="http://127.0.0.1:8000")
    parser.add_argument("--name", default="Demo bot", help="the page's heading")
    options = parser.parse_args()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda _number, _frame: sys.exit(0))
    options.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.environ["DEMO_BOT_DATA"] = str(options.data.resolve())
    os.environ["DEMO_BOT_PRODUCT_URL"] = options.product
    os.environ["DEMO_BOT_NAME"] = options.name
    os.environ["DJANGO_SETTINGS_MODULE"] = "handoff.sandbox.demo_bot.settings"
    django.setup()
    call_command("migrate", verbosity=0)

    # Models can be imported only now that the settings stand.
    from handoff.sandbox.demo_bot.server import serve  # noqa: PLC0415

    serve(options.port)


if __name__ == "__main__":
    main()
