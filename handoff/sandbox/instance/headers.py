"""Scripts and styles come from this server alone, and no page of it is framed."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

# No form-action: the consent form redirects to whoever asked.
POLICY = "default-src 'self'; base-uri 'none'; frame-ancestors 'none'"


class ContentSecurityPolicy:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response["Content-Security-Policy"] = POLICY
        return response
