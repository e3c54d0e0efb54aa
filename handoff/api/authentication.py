"""Who calls: a bot, by one of its keys."""

from dataclasses import dataclass

from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from handoff import limits
from handoff.models import ApiKey, Bot

REFUSED = "Send a valid key of a bot: Authorization: Bearer <key>."


@dataclass(frozen=True)
class BotPrincipal:
    """What DRF calls a user."""

    bot: Bot
    is_authenticated: bool = True


class ApiKeyAuthentication(BaseAuthentication):
    """A missing key, a wrong one and a revoked one are told alike."""

    def authenticate(self, request: Request) -> tuple[BotPrincipal, ApiKey]:
        key = key_of(bearer_in(request))
        if key is None:
            limits.count_stranger(address=limits.client_address(request))
            raise AuthenticationFailed(REFUSED)
        return BotPrincipal(key.bot), key

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


def bearer_in(request: Request) -> str:
    """Return what the caller bears, or ""."""
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    return value.strip() if scheme.lower() == "bearer" else ""


def key_of(value: str) -> ApiKey | None:
    """Return the usable key with this value, and its bot."""
    if not value:
        return None
    keys = ApiKey.objects.by_value(value)
    return keys.select_related("bot").first()
