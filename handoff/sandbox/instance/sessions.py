"""Who is logged in, in this browser."""

from urllib.parse import urlencode

from django.http import HttpRequest
from django.middleware.csrf import rotate_token

from handoff.sandbox.instance import store
from handoff.sandbox.instance.models import Row

USER = "sys_user"


def log_in(request: HttpRequest, *, user: Row) -> None:
    # A new session id: one that was planted before the login is worth nothing.
    request.session.cycle_key()
    rotate_token(request)
    request.session[USER] = user.sys_id


def logged_in_user(request: HttpRequest) -> Row | None:
    user = store.get(table="sys_user", sys_id=request.session.get(USER, ""))
    return user if user and user.value("active") == "true" else None


def login_url(target: str) -> str:
    return f"/login.do?{urlencode({'next': target})}"
