"""Standard Webhooks signatures: ours to a bot, ServiceNow's to us.

https://www.standardwebhooks.com — the signed content is `id.timestamp.body`, the MAC
HMAC-SHA256 with the base64 key behind `whsec_`, the header a list of `v1,<base64>`.
"""

import base64
import binascii
import hashlib
import hmac
import time
from collections.abc import Iterable, Mapping

TOLERANCE = 300
MAX_SIGNATURES = 10


class BadSignature(Exception):
    """The call is not from whom it says, or not of now."""


def key_of(secret: str) -> bytes:
    """Return the key in a secret of the form `whsec_<base64>`."""
    return base64.b64decode(secret.removeprefix("whsec_"))


def headers(
    *, secrets: Iterable[str], message_id: str, timestamp: int, body: bytes
) -> dict[str, str]:
    """Return the three headers; several secrets sign side by side in a rotation."""
    content = f"{message_id}.{timestamp}.".encode() + body
    macs = (hmac.digest(key_of(secret), content, hashlib.sha256) for secret in secrets)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(
            f"v1,{base64.b64encode(mac).decode()}" for mac in macs
        ),
    }


def verify(*, secrets: Iterable[str], headers: Mapping[str, str], body: bytes) -> str:
    """Return the `webhook-id` of a call signed with one of the secrets, of now.

    `headers` finds names in any case, as requests' and Django's mappings do.
    """
    message_id = headers.get("webhook-id") or ""
    timestamp = headers.get("webhook-timestamp") or ""
    if not message_id or len(message_id) > 200:
        raise BadSignature("webhook-id is missing or too long")
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) < 12):
        raise BadSignature("webhook-timestamp is no number")
    if abs(time.time() - int(timestamp)) > TOLERANCE:
        raise BadSignature("webhook-timestamp is too far from now")
    content = f"{message_id}.{timestamp}.".encode(errors="replace") + body
    given = _macs(headers.get("webhook-signature") or "")
    expected = [hmac.digest(key_of(s), content, hashlib.sha256) for s in secrets]
    # Every pair is compared, so that the time taken tells nothing.
    matches = [
        hmac.compare_digest(mine, theirs) for mine in expected for theirs in given
    ]
    if not any(matches):
        raise BadSignature("no signature matches")
    return message_id


def _macs(header: str) -> list[bytes]:
    macs = []
    for signature in header.split()[:MAX_SIGNATURES]:
        version, _, encoded = signature.partition(",")
        if version == "v1":
            try:
                macs.append(base64.b64decode(encoded, validate=True))
            except (binascii.Error, ValueError):
                continue
    return macs
