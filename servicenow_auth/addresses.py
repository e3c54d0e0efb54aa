"""Which addresses may be typed in. Who calls them checks again where they lead."""

import re
from collections.abc import Sequence
from urllib.parse import SplitResult, urlsplit

from django.conf import settings

from servicenow_auth.exceptions import BadAddress

SERVICENOW_DOMAINS = (".service-now.com", ".servicenowservices.com")
_HOST = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?|[0-9a-f.:]*:[0-9a-f.:]*")


def check_origin(text: str, *, extra: Sequence[str]) -> str:
    """Reduce an address to its https origin, or to one of `extra`; or BadAddress."""
    parts = _split(text)
    origin = _origin(parts)
    if origin in extra:
        return origin
    if parts.scheme != "https":
        raise BadAddress("The address must begin with https://.")
    return origin


def servicenow_origin(text: str) -> str:
    """Return the origin of a ServiceNow instance; longer addresses may be pasted."""
    typed = text.strip()
    typed = typed if "://" in typed else f"https://{typed}"
    origin = check_origin(typed, extra=settings.SERVICENOW_EXTRA_ORIGINS)
    if origin in settings.SERVICENOW_EXTRA_ORIGINS:
        return origin
    parts = urlsplit(origin)
    if not (parts.hostname or "").endswith(SERVICENOW_DOMAINS) or parts.port:
        raise BadAddress(
            "This is not a ServiceNow address, like https://example.service-now.com. "
            "An operator can allow others in SERVICENOW_EXTRA_ORIGINS."
        )
    return origin


def webhook_url(text: str) -> str:
    """Return the address as typed, if a bot may be called there; or BadAddress."""
    url = text.strip()
    if urlsplit(url).fragment:
        raise BadAddress("The address must not contain a # part.")
    origin = check_origin(url, extra=settings.WEBHOOK_EXTRA_ORIGINS)
    port = urlsplit(origin).port
    if origin not in settings.WEBHOOK_EXTRA_ORIGINS and port not in (None, 8443):
        raise BadAddress(
            "Webhooks go to port 443 or 8443. "
            "An operator can allow others in WEBHOOK_EXTRA_ORIGINS."
        )
    return url


def is_listed(url: str, extra: Sequence[str]) -> bool:
    """Tell whether an operator listed the very origin of `url`."""
    try:
        return _origin(_split(url)) in extra
    except BadAddress:
        return False


def _split(text: str) -> SplitResult:
    if not text.isascii() or any(character <= " " for character in text.strip()):
        raise BadAddress("The address holds characters that do not belong in one.")
    try:
        parts = urlsplit(text.strip())
        _ = parts.port
    except ValueError:
        raise BadAddress("This is not an address.") from None
    if parts.scheme not in ("http", "https") or not _HOST.fullmatch(
        parts.hostname or ""
    ):
        raise BadAddress("The address must begin with https:// and name a host.")
    if "@" in parts.netloc or "\\" in text:
        raise BadAddress("The address must not contain a user name or a backslash.")
    return parts


def _origin(parts: SplitResult) -> str:
    host = (parts.hostname or "").rstrip(".")
    host = f"[{host}]" if ":" in host else host
    default = {"http": 80, "https": 443}[parts.scheme]
    port = "" if parts.port in (None, default) else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}"
