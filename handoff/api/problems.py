"""Errors as problems (RFC 9457): one shape, whoever raised them."""

import logging
from http import HTTPStatus
from typing import Any

from django.core.exceptions import (
    ObjectDoesNotExist,
    RequestDataTooBig,
    SuspiciousOperation,
)
from django.db import InterfaceError, InternalError, OperationalError
from django.http import Http404, JsonResponse, UnreadablePostError
from rest_framework.exceptions import APIException, ValidationError

from handoff.exceptions import HandoffError
from servicenow_auth.exceptions import SealBroken

logger = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
NOT_FOUND = "Nothing is here, or it belongs to another bot."
UNAVAILABLE_RETRY_AFTER = 5  # seconds
# How the framework's own codes are told; what is missing here goes by its own name.
CODES = {
    "not_authenticated": "unauthorized",
    "authentication_failed": "unauthorized",
    "parse_error": "malformed_body",
}


def problem(
    *,
    status: int,
    code: str,
    detail: str = "",
    errors: dict[str, list[str]] | None = None,
    retry_after: int | None = None,
) -> JsonResponse:
    """Return a problem; `code` is stable, `detail` is for people."""
    title = HTTPStatus(status).phrase
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": title,
        "status": status,
        "detail": detail or f"{title}.",
        "code": code,
    }
    if errors:
        body["errors"] = errors
    headers = {} if retry_after is None else {"Retry-After": str(retry_after)}
    return JsonResponse(body, status=status, headers=headers, content_type=MEDIA_TYPE)


def handle(exc: Exception, context: dict[str, Any]) -> JsonResponse | None:
    """Answer what a view raised; None leaves a fault of ours to Django's handler500."""
    match exc:
        case HandoffError():
            return problem(
                status=exc.status,
                code=exc.code,
                detail=str(exc),
                retry_after=exc.retry_after,
            )
        case ValidationError():
            return problem(
                status=400,
                code="invalid",
                detail="Some fields are not right.",
                errors=flatten(exc.detail),
            )
        case APIException():
            return _of_framework(exc)
        case Http404() | ObjectDoesNotExist():
            return problem(status=404, code="not_found", detail=NOT_FOUND)
        case _:
            return _of_server(exc)


def _of_framework(exc: APIException) -> JsonResponse:
    code = str(exc.get_codes())
    response = problem(
        status=exc.status_code, code=CODES.get(code, code), detail=str(exc.detail)
    )
    # Set by APIView.handle_exception from the authentication class.
    if challenge := getattr(exc, "auth_header", None):
        response["WWW-Authenticate"] = challenge
    return response


def _of_server(exc: Exception) -> JsonResponse | None:
    match exc:
        case RequestDataTooBig():
            return problem(
                status=413, code="body_too_large", detail="The body is too large."
            )
        case SuspiciousOperation() | UnreadablePostError():
            return problem(
                status=400, code="bad_request", detail="The request can't be read."
            )
        # InternalError is what PostgreSQL says where it takes no writes: a replica.
        case OperationalError() | InterfaceError() | InternalError() | SealBroken():
            logger.error("api.unavailable", exc_info=exc)
            return problem(
                status=503,
                code="unavailable",
                detail="Nothing was stored. Send it again in a moment.",
                retry_after=UNAVAILABLE_RETRY_AFTER,
            )
        case _:
            return None


def flatten(detail: Any, path: str = "") -> dict[str, list[str]]:
    """Return a serializer's nested errors as one dict: `user.name`, `transcript.3`."""
    if isinstance(detail, dict):
        flat: dict[str, list[str]] = {}
        for key, inner in detail.items():
            # What is wrong with an object as a whole is told under its own name.
            own = key == "non_field_errors"
            flat |= flatten(inner, path if own else f"{path}.{key}".lstrip("."))
        return flat
    if isinstance(detail, list) and any(isinstance(d, dict | list) for d in detail):
        numbered = {str(i): inner for i, inner in enumerate(detail) if inner}
        return flatten(numbered, path)
    texts = detail if isinstance(detail, list) else [detail]
    return {path or "body": [str(text) for text in texts]}
