"""What Django itself refuses: a problem for programs, a page for people."""

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.views import defaults

from handoff.api import problems

PROGRAMS = ("/api/", "/servicenow/")
PEOPLE = ("/api/docs/", "/servicenow/oauth/")


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    if not _is_program(request):
        return defaults.bad_request(request, exception)
    return problems.problem(status=400, code="bad_request")


def permission_denied(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    if not _is_program(request):
        return defaults.permission_denied(request, exception)
    return problems.problem(status=403, code="permission_denied")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    if not _is_program(request):
        return defaults.page_not_found(request, exception)
    return problems.problem(status=404, code="not_found", detail=problems.NOT_FOUND)


def server_error(request: HttpRequest) -> HttpResponse:
    if not _is_program(request):
        return defaults.server_error(request)
    return problems.problem(
        status=500, code="internal_error", detail="A fault of ours; it was logged."
    )


def _is_program(request: HttpRequest) -> bool:
    return request.path.startswith(PROGRAMS) and not request.path.startswith(PEOPLE)
