from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, resolve_url
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from servicenow_auth import services
from servicenow_auth.exceptions import (
    AttemptRefused,
    DeliveryError,
    ServiceNowAuthError,
)
from servicenow_auth.models import AuthorizationAttempt


@never_cache
@require_GET
def callback(request: HttpRequest) -> HttpResponse:
    """Receive the browser that ServiceNow sends back: the Redirect URL."""
    if not (request.user.is_active and request.user.is_staff):
        # Not with `next`: the code in this address belongs in no other one.
        return redirect(resolve_url(settings.LOGIN_URL))
    response = redirect(_finish(request))
    response["Referrer-Policy"] = "no-referrer"
    return response


def _finish(request: HttpRequest) -> str:
    try:
        attempt = services.claim(
            state=request.GET.get("state", ""),
            session_key=request.session.session_key or "",
        )
    except AttemptRefused as exc:
        messages.error(request, exc.detail)
        return reverse("admin:index")
    if code := request.GET.get("code"):
        _complete(request, attempt, code=code)
    elif request.GET.get("error") == "access_denied":
        messages.warning(request, "Access was denied in ServiceNow. Nothing changed.")
    else:
        error = request.GET.get("error", "no code")[:100]
        messages.error(request, f"ServiceNow could not authorize us: {error}.")
    return attempt.return_to


def _complete(
    request: HttpRequest, attempt: AuthorizationAttempt, *, code: str
) -> None:
    try:
        connection = services.complete(attempt, code=code)
        identity = services.who_am_i(connection)
    except (ServiceNowAuthError, DeliveryError) as exc:
        messages.error(request, exc.detail)
    else:
        messages.success(request, f"Authorized, connected as {identity.user_name}.")
