"""What all JSON doors share: who is calling, with which method and body."""

import base64
import binascii
import functools
import json
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.csrf import csrf_exempt

from handoff.sandbox.instance import oauth_grants, users
from handoff.sandbox.instance.answers import (
    PlatformError,
    Refusal,
    no_such_resource,
    not_authenticated,
    refuse,
)
from handoff.sandbox.instance.faults import api_calls
from handoff.sandbox.instance.models import Row

P = ParamSpec("P")
View = Callable[Concatenate[HttpRequest, Row, P], HttpResponse]
Door = Callable[Concatenate[HttpRequest, P], HttpResponse]


def api_view(*methods: str) -> Callable[[View[P]], Door[P]]:
    """Give a view the authenticated user; answer refusals as JSON."""

    def decorate(view: View[P]) -> Door[P]:
        @csrf_exempt
        @functools.wraps(view)
        def door(
            request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs
        ) -> HttpResponse:
            try:
                user = authenticate(request)
                _check_method(request, methods)
            except Refusal as refusal:
                return refuse(refusal)
            return api_calls.answer(
                request,
                user=user,
                apply=lambda: _applied(view, request, user, *args, **kwargs),
            )

        return door

    return decorate


def authenticate(request: HttpRequest) -> Row:
    """Return the user behind `Authorization`; the log learns the name."""
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    user = None
    if scheme.lower() == "basic":
        user = _basic_user(value)
    elif scheme.lower() == "bearer":
        user = oauth_grants.user_of(value.strip())
    if user is None:
        raise not_authenticated()
    request.META["SANDBOX_USER"] = user.value("user_name")
    return user


def json_body(request: HttpRequest) -> dict[str, Any]:
    """Return the JSON object sent; an empty body is an empty object."""
    try:
        body = json.loads(request.body or b"{}")
        # A lone surrogate passes JSON but can be stored nowhere.
        json.dumps(body, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as exc:
        raise _unreadable() from exc
    if not isinstance(body, dict):
        raise _unreadable()
    return body


def _applied(
    view: View[P], request: HttpRequest, user: Row, *args: P.args, **kwargs: P.kwargs
) -> HttpResponse:
    try:
        return view(request, user, *args, **kwargs)
    except Refusal as refusal:
        return refuse(refusal)


def _unreadable() -> PlatformError:
    return PlatformError(
        status=400, message="Exception while reading request", detail=None
    )


def _basic_user(value: str) -> Row | None:
    try:
        decoded = base64.b64decode(value, validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
    user_name, _, password = decoded.partition(":")
    return users.authenticate(user_name=user_name, password=password)


def _check_method(request: HttpRequest, methods: tuple[str, ...]) -> None:
    if request.method not in methods:
        raise PlatformError(
            status=405, message="Method not supported", detail=", ".join(methods)
        )


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer for an address that is none: the platform's way, or with a page."""
    if request.path.startswith("/api/"):
        return refuse(no_such_resource())
    context = {"problem": "There is no such page, or it is not yours to see"}
    return render(request, "instance/problem.html", context, status=404)
