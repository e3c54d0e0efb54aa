import json
import uuid
from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from handoff.sandbox.demo_bot import chat, events, product, script
from handoff.sandbox.demo_bot.forms import MessageForm, SetupForm
from handoff.sandbox.demo_bot.models import (
    Conversation,
    Handoff,
    Setup,
    State,
    initials,
)

# Browsers share cookies between the ports of one host, so the name is our own.
COOKIE = "demo_bot_conversation"
COOKIE_AGE = 30 * 24 * 3600


@dataclass(frozen=True, kw_only=True)
class Status:
    """With whom the user is talking, as the head of the chat says it."""

    state: str
    name: str
    detail: str

    @property
    def initials(self) -> str:
        return initials(self.name)


@never_cache
@require_GET
def page(request: HttpRequest) -> HttpResponse:
    """Show the chat, which begins with the first visit."""
    return _page(request, form=MessageForm(), status=200)


@never_cache
@require_GET
def chat_fragment(request: HttpRequest) -> HttpResponse:
    """Show what changes in the chat; the page asks for it every second."""
    cookie = request.COOKIES.get(COOKIE, "")
    conversation = get_object_or_404(Conversation, cookie=cookie)
    return render(request, "demo_bot/chat.html", _context(conversation))


@require_POST
def say(request: HttpRequest) -> HttpResponse:
    """Take a message of the user's."""
    form = MessageForm(request.POST)
    if not form.is_valid():
        return _page(request, form=form, status=400)
    conversation = _conversation(request)
    chat.say(
        conversation=conversation,
        key=str(form.cleaned_data["id"]),
        text=form.cleaned_data["text"],
    )
    return _remember(redirect("page"), conversation)


@require_POST
def end(request: HttpRequest) -> HttpResponse:
    """Let the user leave the agent."""
    conversation = _conversation(request)
    chat.end(conversation)
    return _remember(redirect("page"), conversation)


@csrf_exempt
@require_POST
def webhook(request: HttpRequest) -> HttpResponse:
    """Take a signed event from the product."""
    setup = Setup.objects.first()
    if setup is None:
        return _error(503, "not_set_up", "POST /setup comes first")
    try:
        payload = product.verify(
            secret=setup.webhook_secret, body=request.body, headers=request.headers
        )
    except product.BadSignature:
        return _error(401, "bad_signature", "not signed with our webhook secret")
    try:
        events.receive(webhook_id=request.headers["webhook-id"], payload=payload)
    except ValueError as exc:
        return _error(400, "malformed", str(exc))
    return HttpResponse(status=204)


@csrf_exempt
@require_POST
def setup(request: HttpRequest) -> HttpResponse:
    """Store {"api_key", "webhook_secret"}, as the product's admin page showed them.

    JSON only, which no page of another origin can post without asking first.
    """
    if request.content_type != "application/json":
        return _error(415, "json_only", "send application/json")
    try:
        values = json.loads(request.body)
    except ValueError:
        values = None
    form = SetupForm(values if isinstance(values, dict) else {})
    if not form.is_valid():
        return _error(400, "malformed", form.errors.as_json())
    Setup.objects.update_or_create(pk=1, defaults=form.cleaned_data)
    chat.bell.set()
    return HttpResponse(status=204)


@require_GET
def healthz(request: HttpRequest) -> HttpResponse:
    """Tell that we are up, and whether /setup was called."""
    return JsonResponse({"set_up": Setup.objects.exists()})


def _page(request: HttpRequest, *, form: MessageForm, status: int) -> HttpResponse:
    conversation = _conversation(request)
    context = _context(conversation) | {"form": form, "next_id": uuid.uuid4()}
    response = render(request, "demo_bot/page.html", context, status=status)
    return _remember(response, conversation)


def _context(conversation: Conversation) -> dict[str, Any]:
    handoff = conversation.open_handoff()
    return {
        "handoff": handoff,
        "messages": chat.messages_in_order(conversation),
        "status": _status(handoff),
    }


def _status(handoff: Handoff | None) -> Status:
    if handoff is None:
        return Status(state="bot", name=script.NAME, detail="Answers at once")
    if handoff.end_asked:
        name = handoff.agent_name or "Agent"
        return Status(state=handoff.state, name=name, detail="Ending the chat…")
    if handoff.state == State.ACCEPTED:
        name = handoff.agent_name or "Agent"
        return Status(state=handoff.state, name=name, detail="You are with a person")
    place = f"You are number {handoff.position}" if handoff.position else ""
    detail = " · ".join(filter(None, [place, handoff.wait_text]))
    return Status(
        state=handoff.state,
        name="Waiting for an agent",
        detail=detail or "This may take a moment",
    )


def _conversation(request: HttpRequest) -> Conversation:
    cookie = request.COOKIES.get(COOKIE, "")
    found = Conversation.objects.filter(cookie=cookie).first()
    return found or chat.start_conversation()


def _remember(response: HttpResponse, conversation: Conversation) -> HttpResponse:
    response.set_cookie(
        COOKIE,
        conversation.cookie,
        max_age=COOKIE_AGE,
        httponly=True,
        samesite="Lax",
    )
    return response


def _error(status: int, code: str, detail: str) -> JsonResponse:
    return JsonResponse({"code": code, "detail": detail}, status=status)
