"""The log of API calls."""

import time
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_GET

from handoff.sandbox.instance.faults.api_calls import FAULT
from handoff.sandbox.instance.models import Call

LOGGED = ("/api/", "/oauth_")
SHOWN = ("at", "method", "path", "status", "milliseconds", "user_name", "fault")


class CallLog:
    """Records who called what, when, with which status; never what was sent."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path.startswith(LOGGED):
            return self.get_response(request)
        started = time.monotonic()
        response = self.get_response(request)
        Call.objects.create(
            method=request.method or "",
            path=request.path,
            status=response.status_code,
            milliseconds=round((time.monotonic() - started) * 1000),
            user_name=request.META.get("SANDBOX_USER", ""),
            fault=request.META.get(FAULT, ""),
        )
        return response


@require_GET
def log(request: HttpRequest) -> HttpResponse:
    """List the calls, oldest first; `path`, `method`, `fault` narrow the list."""
    found = Call.objects.all()
    for name in ("path", "method", "fault"):
        if name in request.GET:
            found = found.filter(**{name: request.GET[name]})
    calls = list(found.values(*SHOWN))
    return JsonResponse({"count": len(calls), "calls": calls})
