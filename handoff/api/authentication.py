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
        key = _key_in(request.headers.get("Authorization", ""))
        if key is None:
            limits.count_stranger(address=limits.client_address(request))
            raise AuthenticationFailed(REFUSED)
        return BotPrincipal(key.bot), key

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


def _key_in(header: str) -> ApiKey | None:
    scheme, _, value = header.partition(" ")
    if scheme.lower() != "bearer" or not value:
        return None
    keys = ApiKey.objects.by_value(value.strip())
    return keys.select_related("bot__runtime", "bot__connection__runtime").first()
