"""The log of API calls, and the control panel that tests and demos read and turn."""

import json
import time
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_http_methods

from handoff.sandbox.instance import switches
from handoff.sandbox.instance.models import Call

LOGGED = ("/api/", "/oauth_")


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
        )
        return response


@require_GET
def log(request: HttpRequest) -> HttpResponse:
    """List the calls, oldest first; `path` and `method` narrow the list."""
    found = Call.objects.all()
    for name in ("path", "method"):
        if name in request.GET:
            found = found.filter(**{name: request.GET[name]})
    fields = ("at", "method", "path", "status", "milliseconds", "user_name")
    calls = list(found.values(*fields))
    return JsonResponse({"count": len(calls), "calls": calls})


@csrf_exempt
@require_http_methods(["GET", "POST"])
def control(request: HttpRequest) -> HttpResponse:
    """Show the switches; a POST of `{name: value}` moves those that it names."""
    if request.method == "POST":
        # A page of another site can post a form here without asking, but not JSON.
        if request.content_type != "application/json":
            return JsonResponse({"error": "send application/json"}, status=415)
        problem = _move(request.body)
        if problem:
            return JsonResponse({"error": problem}, status=400)
    return JsonResponse(switches.read_all())


def _move(body: bytes) -> str:
    try:
        wanted = json.loads(body)
    except ValueError:
        return "not JSON"
    if not isinstance(wanted, dict):
        return "not an object"
    for name, value in wanted.items():
        default = switches.DEFAULTS.get(name)
        if type(value) is not type(default):
            return f"no such switch, or no such value: {name}"
    for name, value in wanted.items():
        switches.move(name=name, value=value)
    return ""
