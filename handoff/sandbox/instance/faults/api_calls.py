"""What becomes of an API call that a fault strikes: before, after or instead of it.

Only the integration user is struck: administrators set up, agents are at their desk.
"""

import time
from collections.abc import Callable, Mapping
from datetime import timedelta

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone

from handoff.sandbox.instance import oauth_grants, switches, users
from handoff.sandbox.instance.answers import PlatformError, not_authenticated, refuse
from handoff.sandbox.instance.faults import dice
from handoff.sandbox.instance.models import Row, Strike

Apply = Callable[[], HttpResponse]
Answer = Callable[[HttpRequest], HttpResponse]
Struck = Callable[[HttpRequest, Apply], HttpResponse]

# Where the call log and the reads find the fault that struck a call.
FAULT = "SANDBOX_FAULT"
# Set by the server: ends the connection without an answer.
HANG_UP = "sandbox.hang_up"
_LISTS = ("/messages", "/sessions", "/table/")
_HIDING = ("fault_hidden_own", "fault_hidden_others", "fault_hidden_all")
# A file that is cut off would look whole: its length is told as what is left of it.
_FILES = ("/api/now/attachment/", "/api/now/v1/cs/media/")


def answer(request: HttpRequest, *, user: Row, apply: Apply) -> HttpResponse:
    """Do what the call asks for, and answer it, as far as no fault strikes."""
    fault = _draw(request, user=user)
    if not fault:
        return apply()
    dice.record(fault)
    request.META[FAULT] = fault
    return _STRUCK[fault](request, apply)


def _draw(request: HttpRequest, *, user: Row) -> str:
    rates = dice.for_calls.rates()
    if not rates or users.is_admin(user) or users.is_agent(user):
        return ""
    fitting = {name: rate for name, rate in rates.items() if _fits(name, request)}
    return dice.for_calls.roll(fitting)


def _fits(fault: str, request: HttpRequest) -> bool:
    if fault in _HIDING:
        is_list = any(part in request.path for part in _LISTS)
        return request.method == "GET" and is_list
    if fault == "fault_truncated":
        return not request.path.startswith(_FILES)
    if fault == "fault_revoked_token":
        seconds = switches.read("fault_revoked_token_seconds")
        since = timezone.now() - timedelta(seconds=seconds)
        return not Strike.objects.filter(fault=fault, at__gt=since).exists()
    return True


def _before(answer: Answer) -> Struck:
    return lambda request, _apply: answer(request)


def _after(answer: Answer) -> Struck:
    def strike(request: HttpRequest, apply: Apply) -> HttpResponse:
        apply()
        return answer(request)

    return strike


def _late(_request: HttpRequest, apply: Apply) -> HttpResponse:
    time.sleep(switches.read("fault_latency_ms") / 1000)
    return apply()


def _too_many(request: HttpRequest) -> HttpResponse:
    seconds = switches.read("fault_429_seconds")
    response = _too_many_bare(request)
    response["Retry-After"] = str(seconds)
    response["X-RateLimit-Limit"] = "1000"
    response["X-RateLimit-Reset"] = str(int(time.time()) + seconds)
    response["X-RateLimit-Rule"] = "c17385fec9eaa0def6a8cab04ef67c89"
    return response


def _too_many_bare(_request: HttpRequest) -> HttpResponse:
    return _refused(
        429,
        message="Rate limit exceeded",
        detail="Rate limit of 1000 requests per hour for REST API exceeded",
    )


def _nothing(_request: HttpRequest) -> HttpResponse:
    return HttpResponse(status=202)


def _cancelled(_request: HttpRequest) -> HttpResponse:
    return _refused(
        500,
        message="Transaction cancelled: maximum execution time exceeded",
        detail="Transaction cancelled: maximum execution time exceeded. Check logs for"
        " error trace or enable glide.rest.debug property to verify REST request"
        " processing",
    )


def _bad_gateway(request: HttpRequest) -> HttpResponse:
    return render(request, "instance/bad_gateway.html", status=502)


def _hibernating(request: HttpRequest) -> HttpResponse:
    return render(request, "instance/hibernating.html")


def _silent(request: HttpRequest) -> HttpResponse:
    time.sleep(switches.read("fault_silence_seconds"))
    return _gone(request)


def _gone(request: HttpRequest) -> HttpResponse:
    """Hang up; the log has 444, which proxies use for a call that got no answer."""
    request.META[HANG_UP]()
    return HttpResponse(status=444)


def _cut_off(_request: HttpRequest, apply: Apply) -> HttpResponse:
    response = apply()
    response.content = response.content[: len(response.content) // 2]
    return response


def _revoked(request: HttpRequest) -> HttpResponse:
    scheme, _, token = request.headers["Authorization"].partition(" ")
    if scheme.lower() == "bearer":
        oauth_grants.revoke(token.strip())
    return refuse(not_authenticated())


def _hidden(_request: HttpRequest, apply: Apply) -> HttpResponse:
    """Leave it to the read, which knows whose rows they are."""
    return apply()


def _refused(status: int, *, message: str, detail: str) -> HttpResponse:
    return refuse(PlatformError(status=status, message=message, detail=detail))


_STRUCK: Mapping[str, Struck] = {
    "fault_latency": _late,
    "fault_429": _before(_too_many),
    "fault_429_bare": _before(_too_many_bare),
    "fault_202_dropped": _before(_nothing),
    "fault_500_before": _before(_cancelled),
    "fault_500_after": _after(_cancelled),
    "fault_502_before": _before(_bad_gateway),
    "fault_502_after": _after(_bad_gateway),
    "fault_silence_before": _before(_silent),
    "fault_silence_after": _after(_silent),
    "fault_hang_up_before": _before(_gone),
    "fault_hang_up_after": _after(_gone),
    "fault_hibernation": _before(_hibernating),
    "fault_truncated": _cut_off,
    "fault_revoked_token": _before(_revoked),
    **dict.fromkeys(_HIDING, _hidden),
}
