"""System checks: a wrong setting is named, with its cure, before anything starts."""

from collections.abc import Iterable
from datetime import timedelta
from importlib.metadata import version
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage
from django.utils.version import get_version_tuple

LEASE_MARGIN = timedelta(seconds=10)
# After it ServiceNow ends a REST call by a quota of its own.
QUOTA = timedelta(seconds=60)
METRICS_TOKEN_LENGTH = 20
MORE_THAN_NOTHING = (
    "REQUEST_DEADLINE",
    "POLL_INTERVAL",
    "WORKER_CONCURRENCY",
    "CALLS_PER_CONNECTION",
    "WEB_THREADS",
    "MAX_OPEN_HANDOFFS",
    "MAX_ATTACHMENT_BYTES",
    "RATE_LIMIT_PER_BOT",
    "RATE_LIMIT_STRANGERS",
)
# Below these versions a repair is missing that messages or memory depend on.
OLDEST_VERSIONS = {
    "djangorestframework": ("3.17.2", "reads a JSON body of any size into memory"),
    "celery": ("5.7", "may stop consuming after the broker was restarted"),
    "kombu": ("5.7", "may stop consuming after the broker was restarted"),
}


def register() -> None:
    """Register every check of this module; those for production with --deploy only."""
    for check in (
        check_demo_is_local,
        check_lane_lease,
        check_more_than_nothing,
        check_versions,
        check_metrics_token,
        check_trusted_proxies,
        check_attachment_lifetime,
    ):
        checks.register(check, checks.Tags.security)
    for check in (
        check_https,
        check_settle_time,
        check_proxy,
        check_database,
        check_broker,
    ):
        checks.register(check, checks.Tags.security, deploy=True)


def check_demo_is_local(**_: Any) -> Iterable[CheckMessage]:
    hosts = [urlsplit(settings.PUBLIC_URL).hostname or "", *settings.ALLOWED_HOSTS]
    if settings.DEMO and not all(map(_is_loopback, hosts)):
        yield checks.Error(
            "DEMO is on, but PUBLIC_URL or ALLOWED_HOSTS reach beyond this machine.",
            hint="The demo asks for no second factor and speaks plain http. Set"
            " DEMO=false, or name nothing but 127.0.0.1 and localhost.",
            id="handoff.E001",
        )


def check_https(**_: Any) -> Iterable[CheckMessage]:
    if not settings.DEMO and urlsplit(settings.PUBLIC_URL).scheme != "https":
        yield checks.Error(
            "PUBLIC_URL is not an https address.",
            hint="ServiceNow's callbacks, bots and logins all come in through it. Give"
            " the proxy in front a certificate, and PUBLIC_URL as https://….",
            id="handoff.E002",
        )


def check_lane_lease(**_: Any) -> Iterable[CheckMessage]:
    if settings.LANE_LEASE < settings.REQUEST_DEADLINE + LEASE_MARGIN:
        yield checks.Error(
            "LANE_LEASE is too short for REQUEST_DEADLINE.",
            hint="A request that outlives its lane's lease can be sent twice. Set"
            f" LANE_LEASE to REQUEST_DEADLINE + {LEASE_MARGIN.seconds} or more.",
            id="handoff.E003",
        )


def check_settle_time(**_: Any) -> Iterable[CheckMessage]:
    if settings.SETTLE_TIME < QUOTA:
        yield checks.Warning(
            "SETTLE_TIME is shorter than ServiceNow may work on a call.",
            hint="What got no answer is sent again after it, and an agent may see"
            f" it twice. Set it to {QUOTA.seconds} or more, unless a quota rule of each"
            " instance ends calls of the chat API sooner.",
            id="handoff.W004",
        )


def check_more_than_nothing(**_: Any) -> Iterable[CheckMessage]:
    for name in MORE_THAN_NOTHING:
        value = getattr(settings, name)
        if value <= type(value)():
            yield checks.Error(
                f"{name} is 0 or less, which lets nothing through.",
                hint=f"0 does not mean without a limit. Set {name} to more than 0, or"
                " leave it out: .env.example shows what it is then.",
                id="handoff.E008",
            )


def check_versions(**_: Any) -> Iterable[CheckMessage]:
    for package, (oldest, trouble) in OLDEST_VERSIONS.items():
        if get_version_tuple(version(package)) < get_version_tuple(oldest):
            yield checks.Error(
                f"{package} {version(package)} {trouble}.",
                hint=f"Install {package} {oldest} or newer: see requirements.txt.",
                id="handoff.E004",
            )


def check_metrics_token(**_: Any) -> Iterable[CheckMessage]:
    if 0 < len(settings.METRICS_TOKEN) < METRICS_TOKEN_LENGTH:
        yield checks.Error(
            "METRICS_TOKEN is short enough to be guessed.",
            hint=f"Use {METRICS_TOKEN_LENGTH} random characters or more, or leave it"
            " empty to switch /metrics off.",
            id="handoff.E005",
        )


def check_trusted_proxies(**_: Any) -> Iterable[CheckMessage]:
    if settings.TRUSTED_PROXIES < 0:
        yield checks.Error(
            "TRUSTED_PROXIES is negative.",
            hint="Count the proxies that append to X-Forwarded-For; none is 0.",
            id="handoff.E006",
        )


def check_attachment_lifetime(**_: Any) -> Iterable[CheckMessage]:
    if settings.ATTACHMENT_LIFETIME < settings.MAX_AGE:
        yield checks.Error(
            "ATTACHMENT_LIFETIME is too short.",
            hint=f"A message may wait for {settings.MAX_AGE.days} day until ServiceNow"
            " can be reached; its files must live so long. Set it to that or more.",
            id="handoff.E007",
        )


def check_proxy(**_: Any) -> Iterable[CheckMessage]:
    if settings.PUBLIC_URL.startswith("https://") and settings.TRUSTED_PROXIES == 0:
        yield checks.Warning(
            "PUBLIC_URL is https, but TRUSTED_PROXIES is 0.",
            hint="Behind a proxy that ends TLS every form would be refused with 403."
            " Set TRUSTED_PROXIES to the number of proxies; ignore this if the web"
            " process ends TLS itself.",
            id="handoff.W003",
        )


def check_database(**_: Any) -> Iterable[CheckMessage]:
    if settings.DATABASES["default"]["ENGINE"].endswith("sqlite3"):
        yield checks.Warning(
            "The database is SQLite.",
            hint="It lets one process write at a time, on one machine. Set"
            " DATABASE_URL to a PostgreSQL database.",
            id="handoff.W001",
        )


def check_broker(**_: Any) -> Iterable[CheckMessage]:
    if not settings.DEMO and not settings.REDIS_URL:
        yield checks.Warning(
            "REDIS_URL is not set.",
            hint="The folder that stands in for Redis serves one machine only, and"
            " more slowly. Set REDIS_URL=redis://….",
            id="handoff.W002",
        )


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"
