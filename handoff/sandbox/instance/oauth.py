"""The OAuth doors: login, consent, token and revocation, as pages and forms."""

from dataclasses import dataclass
from urllib.parse import urlencode

from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from handoff.sandbox.instance import oauth_grants, switches, users
from handoff.sandbox.instance.models import Row
from handoff.sandbox.instance.sessions import log_in, logged_in_user, login_url


class RequestRefused(Exception):
    """An authorization request that gets a page and never a redirect."""


@dataclass(frozen=True)
class AuthorizationRequest:
    client: Row
    redirect_uri: str
    state: str
    challenge: str

    def answer(self, **parameters: str) -> HttpResponseRedirect:
        glue = "&" if "?" in self.redirect_uri else "?"
        query = urlencode({**parameters, "state": self.state})
        return HttpResponseRedirect(f"{self.redirect_uri}{glue}{query}")


@never_cache
@require_http_methods(["GET", "POST"])
def authorize(request: HttpRequest) -> HttpResponse:
    """Ask the person who is logged in whether the application may act for them."""
    try:
        asked = _read_request(request)
    except RequestRefused as refused:
        context = {"problem": str(refused)}
        return render(request, "instance/problem.html", context, status=400)
    user = logged_in_user(request)
    if user is None:
        return redirect(login_url(request.get_full_path()))
    if request.method == "GET":
        context = {"application": asked.client.value("name"), "user": user.data}
        return render(request, "instance/consent.html", context)
    if request.POST.get("decision") != "allow":
        return asked.answer(error="access_denied")
    return asked.answer(
        code=oauth_grants.issue_code(
            client=asked.client,
            user=user,
            redirect_uri=asked.redirect_uri,
            challenge=asked.challenge,
        )
    )


@never_cache
@require_http_methods(["GET", "POST"])
def login(request: HttpRequest) -> HttpResponse:
    target = _local(request.GET.get("next", ""), otherwise="/desk/")
    if request.method == "GET":
        return render(request, "instance/login.html")
    user = users.authenticate(
        user_name=request.POST.get("user_name", ""),
        password=request.POST.get("user_password", ""),
    )
    if user is None:
        context = {"problem": "User name or password invalid"}
        return render(request, "instance/login.html", context, status=401)
    log_in(request, user=user)
    return redirect(target)


@require_POST
def logout(request: HttpRequest) -> HttpResponse:
    request.session.flush()
    return redirect(_local(request.POST.get("next", ""), otherwise="/"))


@csrf_exempt
@never_cache
@require_POST
def token(request: HttpRequest) -> HttpResponse:
    """Exchange a grant; only a form body is read, and every refusal looks the same."""
    form = request.content_type == "application/x-www-form-urlencoded"
    try:
        return JsonResponse(oauth_grants.grant(request.POST.dict() if form else {}))
    except oauth_grants.GrantRefused:
        error = {"error_description": "access_denied", "error": "server_error"}
        return JsonResponse(error, status=401)


@csrf_exempt
@transaction.atomic
@require_http_methods(["GET", "POST"])
def revoke(request: HttpRequest) -> HttpResponse:
    oauth_grants.revoke(request.GET.get("token") or request.POST.get("token", ""))
    return HttpResponse(status=200)


def _local(target: str, *, otherwise: str) -> str:
    local = url_has_allowed_host_and_scheme(target, allowed_hosts=None)
    return target if local else otherwise


def _read_request(request: HttpRequest) -> AuthorizationRequest:
    asked = request.GET
    if not asked.get("state"):
        raise RequestRefused("Missing State parameter in request")
    client = oauth_grants.client_by_id(asked.get("client_id", ""))
    if client is None:
        raise RequestRefused("Invalid client_id")
    if asked.get("response_type") != "code":
        raise RequestRefused("Invalid response_type")
    challenge = asked.get("code_challenge", "")
    if challenge and asked.get("code_challenge_method") != "S256":
        raise RequestRefused("Invalid code_challenge_method")
    return AuthorizationRequest(
        client=client,
        redirect_uri=_redirect_uri(client, asked_for=asked.get("redirect_uri", "")),
        state=asked["state"],
        challenge=challenge,
    )


def _redirect_uri(client: Row, *, asked_for: str) -> str:
    registered = [uri.strip() for uri in client.value("redirect_url").split(",")]
    if asked_for and asked_for in registered:
        return asked_for
    if registered[0] and switches.read("unregistered_redirect") == "first_url":
        return registered[0]
    raise RequestRefused("Invalid redirect_uri")
