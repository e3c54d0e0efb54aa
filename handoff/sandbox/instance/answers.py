"""How the API answers: JSON, and refusals in ServiceNow's own envelopes."""

from typing import Any

from django.http import JsonResponse


class Refusal(Exception):
    """An answer other than success, with its status and JSON body."""

    def __init__(self, *, status: int, body: dict[str, Any]) -> None:
        super().__init__(status)
        self.status = status
        self.body = body


class PlatformError(Refusal):
    """The envelope of the Table API and of everything before a script runs."""

    def __init__(self, *, status: int, message: str, detail: str | None) -> None:
        error = {"message": message, "detail": detail}
        super().__init__(status=status, body={"error": error, "status": "failure"})


def answer(body: object, *, status: int = 200) -> JsonResponse:
    return JsonResponse(
        body,
        status=status,
        safe=False,
        json_dumps_params={"ensure_ascii": False},
        content_type="application/json;charset=UTF-8",
    )


def refuse(refusal: Refusal) -> JsonResponse:
    response = answer(refusal.body, status=refusal.status)
    if refusal.status == 401:
        response["WWW-Authenticate"] = 'BASIC realm="Service-now"'
    return response


def not_authenticated() -> PlatformError:
    return PlatformError(
        status=401,
        message="User Not Authenticated",
        detail="Required to provide Auth information",
    )


def no_such_resource() -> PlatformError:
    return PlatformError(
        status=400,
        message="Requested URI does not represent any resource",
        detail=None,
    )
