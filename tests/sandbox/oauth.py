"""How an application and a browser go through the instance's OAuth doors."""

import base64
import hashlib
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import requests

from tests.sandbox.instance import BOT, CLIENT_SECRET, REDIRECT, Browser, Instance

VERIFIER = "a-verifier-of-at-least-forty-three-characters-0123"
CHALLENGE = (
    base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest())
    .rstrip(b"=")
    .decode()
)


def authorize_path(application: Any, **changes: str) -> str:
    parameters = {
        "response_type": "code",
        "client_id": application["client_id"],
        "redirect_uri": REDIRECT,
        "state": "5tate",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        **changes,
    }
    given = {name: value for name, value in parameters.items() if value}
    return f"/oauth_auth.do?{urlencode(given)}"


def decide(browser: Browser, path: str, *, decision: str = "allow") -> dict[str, str]:
    """Log in, answer the consent page, return what the redirect carries."""
    browser.log_in(BOT, then=path)
    answer = browser.submit(browser.get(path), decision=decision)
    location = answer.headers["Location"]
    assert location.startswith(REDIRECT)
    query = parse_qs(urlsplit(location).query)
    return {name: values[0] for name, values in query.items()}


def exchange(instance: Instance, **form: str) -> requests.Response:
    return instance.call("POST", "/oauth_token.do", data=form)


def redeem(
    instance: Instance, *, application: Any, code: str, **changes: str
) -> requests.Response:
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": REDIRECT,
        "client_id": application["client_id"],
        "client_secret": CLIENT_SECRET,
        "code_verifier": VERIFIER,
    }
    return exchange(instance, **(form | changes))


def refresh(instance: Instance, *, application: Any, token: str) -> requests.Response:
    return exchange(
        instance,
        grant_type="refresh_token",
        refresh_token=token,
        client_id=application["client_id"],
        client_secret=CLIENT_SECRET,
    )


def password_grant(instance: Instance, *, application: Any) -> Any:
    answer = exchange(
        instance,
        grant_type="password",
        username=BOT[0],
        password=BOT[1],
        client_id=application["client_id"],
        client_secret=CLIENT_SECRET,
    )
    return answer.json()
