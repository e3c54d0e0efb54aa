"""What the OpenAPI document says of every call alike."""

from http import HTTPStatus
from typing import Any

from csp.decorators import csp_replace
from django.utils.decorators import method_decorator
from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.utils import OpenApiExample, OpenApiResponse
from drf_spectacular.views import SpectacularSwaggerSplitView
from rest_framework import serializers

from handoff.api import problems

# Swagger UI evaluates nothing and loads nothing from elsewhere.
DOCS_POLICY = {
    "script-src": ["'self'"],
    "style-src": ["'self'"],
    "connect-src": ["'self'"],
}


class ProblemSerializer(serializers.Serializer[dict[str, Any]]):
    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField(help_text="For people; it may be reworded.")
    code = serializers.CharField(help_text="For programs; it stays as it is.")
    errors = serializers.DictField(  # type: ignore[assignment] # a field, taken out of the class by DRF
        child=serializers.ListField(child=serializers.CharField()),
        required=False,
        help_text="With `invalid`: field, as in `user.name`, and what is wrong.",
    )


class ApiKeyScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call] # drf-spectacular's metaclass is untyped
    target_class = "handoff.api.authentication.ApiKeyAuthentication"
    name = "ApiKey"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        return {"type": "http", "scheme": "bearer", "description": "A key of the bot."}


@method_decorator(csp_replace(DOCS_POLICY), name="dispatch")
class DocsView(SpectacularSwaggerSplitView):
    """Swagger UI from our own static files, without an inline script or style."""

    template_name = "api/docs.html"
    url_name = "schema"


MEANINGS = {
    400: "A field is not right (`invalid`), or the body is no JSON (`malformed_body`).",
    401: "No valid key.",
    404: "Nothing is here, or it belongs to another bot.",
    413: "The body is too large.",
    415: "The body is not JSON in UTF-8 without Content-Encoding.",
    429: "Too much at once: try again after `Retry-After` seconds.",
    503: "The database can't be reached; nothing was stored.",
}
SUCCESSES = {
    200: "The answer; after a POST: nothing was new.",
    201: "Stored, until it expires.",
    202: "Stored: it will be delivered.",
    204: "Taken.",
}
READ = (400, 401, 429, 503)
WRITE = (400, 401, 413, 415, 429, 503)


def answers(*alike: int, success: dict[int, Any], **conflicts: str) -> dict[Any, Any]:
    """Return an operation's `responses`: its successes, then the problems it shares.

    `conflicts` are its own problems, as `code="409 What it means."`.
    """
    result: dict[Any, Any] = {
        status: OpenApiResponse(body, description=SUCCESSES[status])
        for status, body in success.items()
    }
    for status in alike:
        result[status, problems.MEDIA_TYPE] = OpenApiResponse(
            ProblemSerializer, description=MEANINGS[status]
        )
    for own in sorted({text[:3] for text in conflicts.values()}):
        told = {c: t[4:] for c, t in conflicts.items() if t.startswith(own)}
        result[int(own), problems.MEDIA_TYPE] = OpenApiResponse(
            ProblemSerializer,
            description=" ".join(f"`{code}`: {text}" for code, text in told.items()),
            examples=[_example(status=int(own), code=code) for code in told],
        )
    return result


def _example(*, status: int, code: str) -> OpenApiExample:
    value = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": "…",
        "code": code,
    }
    return OpenApiExample(code, value=value)
