"""The wire of ServiceNow's OAuth provider: `/oauth_auth.do`, `/oauth_token.do`.

Values in, values out. The token endpoint takes forms only, with the secret in the
body; it answers nearly every refusal with one opaque 401, so causes are not told
apart. An answer of it is never logged.
"""

import json
from dataclasses import dataclass, field

from django.conf import settings
from oauthlib.common import add_params_to_uri, urlencode
from oauthlib.oauth2 import WebApplicationClient

from servicenow_auth import addresses, transport
from servicenow_auth.exceptions import (
    Ambiguous,
    AuthorizationRefused,
    BadAddress,
    NotSent,
    TokenEndpointUnavailable,
)

# Two of these fit into the lease of a refresh (see tokens.py).
DEADLINE = 10.0
DEFAULT_LIFE = 1800
MAX_LIFE = 31_536_000


@dataclass(frozen=True, kw_only=True)
class Client:
    """The OAuth application at one instance that we are a client of."""

    host_url: str
    client_id: str
    client_secret: str = field(repr=False)


@dataclass(frozen=True, kw_only=True)
class Tokens:
    """`expires_in`: seconds left, since a live token is answered again as it is."""

    access_token: str = field(repr=False)
    refresh_token: str | None = field(repr=False)
    expires_in: int


def new_verifier() -> str:
    return WebApplicationClient("").create_code_verifier(64)


def authorize_url(
    *, host_url: str, client_id: str, redirect_uri: str, state: str, verifier: str
) -> str:
    """Return where the user's browser goes to log in and to consent."""
    challenge = WebApplicationClient("").create_code_challenge(verifier, "S256")
    parameters = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": redirect_uri,
        "state": state,
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    return add_params_to_uri(f"{host_url}/oauth_auth.do", list(parameters.items()))


def exchange_code(
    client: Client, *, code: str, redirect_uri: str, verifier: str
) -> Tokens:
    return _ask(
        client,
        grant_type="authorization_code",
        code=code,
        redirect_uri=redirect_uri,
        code_verifier=verifier,
    )


def refresh(client: Client, *, refresh_token: str) -> Tokens:
    """Return a live access token, and a refresh token only if one was sent."""
    return _ask(client, grant_type="refresh_token", refresh_token=refresh_token)


def revoke(*, host_url: str, token: str) -> None:
    """Make a token useless; one that ServiceNow no longer knows is no error."""
    _post(host_url, "/oauth_revoke_token.do", {"token": token})


def _ask(client: Client, **grant: str) -> Tokens:
    form = {
        **grant,
        "client_id": client.client_id,
        "client_secret": client.client_secret,
    }
    answer = _post(client.host_url, "/oauth_token.do", form)
    if answer.status in (400, 401):
        raise AuthorizationRefused("ServiceNow refused to give a token.")
    if answer.status != 200:
        raise TokenEndpointUnavailable(
            f"ServiceNow's token endpoint answered {answer.status}."
        )
    return _tokens(answer.body)


def _post(host_url: str, path: str, form: dict[str, str]) -> transport.Answer:
    try:
        origin = addresses.servicenow_origin(host_url)
        return transport.send(
            "POST",
            origin + path,
            headers={
                "Accept": "application/json",
                "Content-Type": "application/x-www-form-urlencoded",
            },
            body=urlencode(list(form.items())).encode(),
            deadline=DEADLINE,
            trusted=origin in settings.SERVICENOW_EXTRA_ORIGINS,
        )
    except (NotSent, Ambiguous) as exc:
        raise TokenEndpointUnavailable(exc.detail) from exc
    except BadAddress as exc:
        raise TokenEndpointUnavailable(str(exc)) from exc


def _tokens(body: bytes) -> Tokens:
    odd = TokenEndpointUnavailable("ServiceNow's token endpoint answered no token.")
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        raise odd from None
    if not isinstance(answer, dict):
        raise odd
    if "error" in answer:
        raise AuthorizationRefused("ServiceNow refused to give a token.")
    access_token, refresh_token = (
        answer.get("access_token"),
        answer.get("refresh_token"),
    )
    life = str(answer.get("expires_in", DEFAULT_LIFE))
    if not (isinstance(access_token, str) and access_token and life.isdecimal()):
        raise odd
    return Tokens(
        access_token=access_token,
        refresh_token=refresh_token if isinstance(refresh_token, str) else None,
        expires_in=min(max(int(life[:10]), 1), MAX_LIFE),
    )
