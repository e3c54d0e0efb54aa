"""Is this ServiceNow? By signature, header, Basic or URL, as the bot is set up."""

import base64
import binascii
from dataclasses import dataclass
from hmac import compare_digest

from django.http import HttpRequest

from handoff import limits, signatures
from handoff.chat_systems.connect_support import is_existing_rule
from handoff.exceptions import MalformedBody
from handoff.models import Bot, SigningSecret
from handoff.models.bot import CallbackAuthentication, ChatSystem
from handoff.models.callback import UNPROVEN
from handoff.strict_json import load_json

SECRET_HEADER = "X-Handoff-Secret"  # noqa: S105 - its name, not its value
SECRET_PARAMETER = "secret"  # noqa: S105 - the same
CREDENTIALS = ("webhook-signature", SECRET_HEADER, "Authorization")


class Stranger(Exception):
    """Nothing in the call proves that it is ServiceNow's."""


@dataclass(frozen=True)
class Caller:
    bot: Bot
    authenticated_by: str
    delivery_id: str | None = None


def authenticate(*, callback_id: str, request: HttpRequest) -> Caller:
    """Return for which bot the call is and what proves it, or raise Stranger."""
    bot = Bot.objects.filter(callback_id=callback_id).first()
    if bot is None:
        raise Stranger
    if _shows_credentials(request):
        return _proven(bot=bot, request=request)
    if bot.accept_existing_rules and bot.chat_system == ChatSystem.CONNECT_SUPPORT:
        return _unproven(bot=bot, request=request)
    raise Stranger


def _shows_credentials(request: HttpRequest) -> bool:
    in_headers = any(name in request.headers for name in CREDENTIALS)
    return in_headers or SECRET_PARAMETER in request.GET


def _proven(*, bot: Bot, request: HttpRequest) -> Caller:
    secrets = bot.signing_secrets.reveal(SigningSecret.Purpose.CALLBACK)
    match bot.callback_authentication:
        case CallbackAuthentication.SIGNATURE:
            delivery_id = _signed(secrets=secrets, request=request)
            return Caller(bot, bot.callback_authentication, delivery_id)
        case CallbackAuthentication.HEADER:
            given = request.headers.get(SECRET_HEADER, "")
        case CallbackAuthentication.URL:
            given = request.GET.get(SECRET_PARAMETER, "")
        case _:
            given = _basic_password(request.headers.get("Authorization", ""))
    if not _is_one_of(secrets, given=given):
        raise Stranger
    return Caller(bot, bot.callback_authentication)


def _signed(*, secrets: list[str], request: HttpRequest) -> str:
    try:
        return signatures.verify(
            secrets=secrets, headers=request.headers, body=request.body
        )
    except signatures.BadSignature as exc:
        raise Stranger from exc


def _basic_password(header: str) -> str:
    scheme, _, encoded = header.partition(" ")
    if scheme.lower() != "basic":
        return ""
    try:
        pair = base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return ""
    return pair.partition(":")[2]


def _is_one_of(secrets: list[str], *, given: str) -> bool:
    # Every one is compared, so that the time taken tells nothing.
    matches = [compare_digest(secret.encode(), given.encode()) for secret in secrets]
    return any(matches)


def _unproven(*, bot: Bot, request: HttpRequest) -> Caller:
    """Take what a rule that cannot sign may have sent, within limits."""
    try:
        known = is_existing_rule(load_json(request.body))
    except MalformedBody:
        # Those rules glue their JSON together, and a quote in a message breaks it. It
        # will be kept, but nobody shall fill the table with what only looks like that.
        limits.count_stranger(address=limits.client_address(request))
        known = True
    if not known:
        raise Stranger
    limits.count_unsigned(bot_id=bot.pk)
    return Caller(bot, UNPROVEN)
