"""How the app knows a request for ours: by a token, or by a signature of the body.

Without either every user is a guest. A request that fails the check is answered 200
all the same, and nothing follows.
"""

import hmac

from handoff.models import AgentChatConfiguration
from handoff.models.agent_chat import MessageAuth
from servicenow_auth.exceptions import SealBroken, Unauthorized


def headers(configuration: AgentChatConfiguration, *, payload: bytes) -> dict[str, str]:
    """Return what proves `payload`; Unauthorized where its secret is not to be had."""
    if configuration.message_auth == MessageAuth.NONE:
        return {}
    secret = _secret(configuration)
    if configuration.message_auth == MessageAuth.TOKEN:
        return {"token": secret}
    # SHA-1 is what the app computes; within an HMAC it is not broken.
    return {"x-b2b-signature": hmac.new(secret.encode(), payload, "sha1").hexdigest()}


def _secret(configuration: AgentChatConfiguration) -> str:
    if configuration.message_secret is None:
        raise Unauthorized("Not sent: the message authentication has no secret.")
    try:
        return configuration.message_secret.reveal()
    except SealBroken as exc:
        raise Unauthorized(exc.detail) from exc
