"""Message Auth: whether a request proves itself, and which user it is then about."""

import hashlib
import hmac

from django.utils.crypto import constant_time_compare

from handoff.sandbox.instance import store
from handoff.sandbox.instance.models import BotRequest, Row
from handoff.sandbox.instance.virtual_agent.request import Dropped


def is_proven(received: BotRequest, *, application: Row) -> bool:
    """Tell whether there is a proof; Dropped where one is needed and wrong."""
    message_auth = store.dereference(application, column="message_auth")
    if message_auth is None:
        return False
    proof = message_auth.value("inbound_message_verification")
    token = store.get(table="token_verification", sys_id=proof)
    secret = store.get(table="hash_message_verification", sys_id=proof)
    if token and store.secret_matches(token, column="token", candidate=received.token):
        return True
    if secret and constant_time_compare(
        received.signature, _signature(received, secret=secret.value("secret"))
    ):
        return True
    raise Dropped("Message verification failed")


def requester(email: str, *, is_proven: bool) -> Row | None:
    """Return the one active user with this address; anybody else is a guest."""
    if not (is_proven and email):
        return None
    found = store.find("sys_user", email=email, active="true")
    return found[0] if len(found) == 1 else None


def _signature(received: BotRequest, *, secret: str) -> str:
    return hmac.new(secret.encode(), bytes(received.raw), hashlib.sha1).hexdigest()
