"""How an application and a browser go through the instance's OAuth doors."""

import base64
import hashlib
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import parse_qs, urlencode, urlsplit

import requests

from tests.sandbox.instance import BOT, Browser, Instance

CLIENT_SECRET = "client-secret"
REDIRECT = "http://127.0.0.1:9/oauth/callback/"
VERIFIER = "a-verifier-of-at-least-forty-three-characters-0123"
CHALLENGE = (
    base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest())
    .rstrip(b"=")
    .decode()
)


@dataclass(frozen=True)
class Application:
    """An OAuth application, registered by an administrator, and what it sends."""

    instance: Instance
    row: dict[str, str]

    @classmethod
    def register(cls, instance: Instance, **values: str) -> Self:
        row = {
            "name": "Handoff",
            "client_secret": CLIENT_SECRET,
            "redirect_url": f"https://other.example/cb,{REDIRECT}",
        }
        return cls(instance, instance.create("oauth_entity", **(row | values)))

    @property
    def credentials(self) -> dict[str, str]:
        return {"client_id": self.row["client_id"], "client_secret": CLIENT_SECRET}

    def authorize_path(self, **changes: str) -> str:
        parameters = {
            "response_type": "code",
            "client_id": self.row["client_id"],
            "redirect_uri": REDIRECT,
            "state": "5tate",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
            **changes,
        }
        given = {name: value for name, value in parameters.items() if value}
        return f"/oauth_auth.do?{urlencode(given)}"

    def redeem(self, code: str, **changes: str) -> requests.Response:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": REDIRECT,
            "code_verifier": VERIFIER,
        }
        return self._exchange(form | changes)

    def refresh(self, token: str) -> requests.Response:
        return self._exchange({"grant_type": "refresh_token", "refresh_token": token})

    def password_grant(self) -> Any:
        user = {"username": BOT[0], "password": BOT[1]}
        return self._exchange({"grant_type": "password"} | user).json()

    def _exchange(self, form: dict[str, str]) -> requests.Response:
        data = self.credentials | form
        return self.instance.call("POST", "/oauth_token.do", data=data)


def decide(browser: Browser, path: str, *, decision: str = "allow") -> dict[str, str]:
    """Log in, answer the consent page, return what the redirect carries."""
    browser.log_in(BOT, then=path)
    answer = browser.submit(browser.get(path), decision=decision)
    location = answer.headers["Location"]
    assert location.startswith(REDIRECT)
    query = parse_qs(urlsplit(location).query)
    return {name: values[0] for name, values in query.items()}
