"""Files of the requester, which the instance fetches from the addresses it is given."""

from typing import Any
from urllib.parse import urlsplit

import requests

from handoff.sandbox.instance.attachments import MAX_BYTES
from handoff.sandbox.instance.models import Row
from handoff.sandbox.instance.rest_message import USER_AGENT
from handoff.sandbox.instance.virtual_agent import outbound
from handoff.sandbox.instance.virtual_agent.request import (
    File,
    object_of,
    objects_of,
    text_of,
)

_SECONDS = 10.0
_CHUNK = 64 * 1024
_TOO_LARGE = f"more than {MAX_BYTES // 1024**2} MB"
_REQUIRED = ("url", "contentType", "fileName")


def fetch_all(message: dict[str, Any], *, application: Row) -> list[File]:
    """Return the message's files; one that cannot be had is missing, unannounced."""
    wanted = objects_of(message, "attachment")
    files = [_fetch(attachment, application=application) for attachment in wanted]
    return [file for file in files if file]


def _fetch(attachment: dict[str, Any], *, application: Row) -> File | None:
    url, content_type, name = (text_of(attachment, field) for field in _REQUIRED)
    if not (url and content_type and name):
        outbound.log("Attachment dropped: url, contentType or fileName is missing")
        return None
    if not _is_trusted(url, application=application):
        outbound.log("Attachment dropped: its domain is no trusted media domain")
        return None
    headers = {
        str(header): str(value)
        for header, value in object_of(attachment, "headers").items()
    }
    try:
        content = _download(url, headers=headers)
    except (requests.RequestException, UnicodeError) as exc:
        outbound.log(f"Attachment dropped: {type(exc).__name__}")
        return None
    if content is None:
        outbound.log(f"Attachment dropped: it has {_TOO_LARGE}")
        return None
    return File(name=name, content_type=content_type, content=content)


def _is_trusted(url: str, *, application: Row) -> bool:
    """Tell whether the host is one of the trusted domains or below one."""
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return False
    domains = application.value("trusted_media_domains").split(",")
    trusted = [domain.strip().lower() for domain in domains if domain.strip()]
    return any(host == domain or host.endswith(f".{domain}") for domain in trusted)


def _download(url: str, *, headers: dict[str, str]) -> bytes | None:
    """Return the content; None where there is too much of it."""
    content = bytearray()
    with requests.Session() as session:
        session.trust_env = False
        response = session.get(
            url,
            headers={"User-Agent": USER_AGENT} | headers,
            timeout=_SECONDS,
            allow_redirects=False,
            stream=True,
        )
        with response:
            response.raise_for_status()
            for chunk in response.iter_content(_CHUNK):
                content += chunk
                if len(content) > MAX_BYTES:
                    return None
    return bytes(content)
