import json
import uuid
from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.http import content_disposition_header
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from handoff.sandbox.demo_bot import chat, display, events, extras, product, settings
from handoff.sandbox.demo_bot.forms import (
    MAX_FILE_BYTES,
    TOO_LARGE,
    MessageForm,
    SetupForm,
)
from handoff.sandbox.demo_bot.models import Conversation, File, Message, Setup

COOKIE_AGE = 30 * 24 * 3600


@never_cache
@require_GET
def page(request: HttpRequest) -> HttpResponse:
    """Show the chat, which begins with the first visit."""
    return _page(request, form=MessageForm(), status=200)


@never_cache
@require_GET
def chat_fragment(request: HttpRequest) -> HttpResponse:
    """Show what changes in the chat; the page asks for it every second."""
    conversation = get_object_or_404(Conversation, cookie=_cookie(request))
    return render(request, "demo_bot/chat.html", _context(conversation))


@never_cache
@require_GET
def own_file(request: HttpRequest, pk: int) -> HttpResponse:
    """Return a file that the user attached; only a picture is shown in the page."""
    file = get_object_or_404(
        File, pk=pk, message__conversation__cookie=_cookie(request)
    )
    is_picture = file.content_type in extras.PICTURES
    kind = file.content_type if is_picture else "application/octet-stream"
    response = HttpResponse(bytes(file.content), content_type=kind)
    disposition = content_disposition_header(
        as_attachment=not is_picture, filename=file.name
    )
    response["Content-Disposition"] = disposition or "inline"
    return response


@require_POST
def say(request: HttpRequest) -> HttpResponse:
    """Take a message of the user's."""
    form = MessageForm(request.POST, request.FILES)
    if not form.is_valid():
        return _page(request, form=form, status=400)
    conversation = _conversation(request)
    chat.say(
        conversation=conversation,
        key=str(form.cleaned_data["id"]),
        text=form.cleaned_data["text"],
        file=form.cleaned_data["file"],
    )
    return _remember(redirect("page"), conversation)


@require_POST
def choose(request: HttpRequest) -> HttpResponse:
    """Take one of the choices that a message offers: its key, a space, the value."""
    key, _, value = request.POST.get("choice", "").partition(" ")
    message = get_object_or_404(Message, key=key, conversation__cookie=_cookie(request))
    chat.choose(message=message, value=value)
    return redirect("page")


@require_POST
def typing(request: HttpRequest) -> HttpResponse:
    """Pass on whether the user types, while an agent is there to see it."""
    conversation = get_object_or_404(Conversation, cookie=_cookie(request))
    handoff = conversation.open_handoff()
    if handoff is not None and handoff.is_with_agent:
        types = request.POST.get("typing") == "true"
        product.set_typing(handoff_id=handoff.remote_id, typing=types)
    return HttpResponse(status=204)


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
    context = _context(conversation) | {
        "form": form,
        "next_id": uuid.uuid4(),
        "bot_name": settings.BOT_NAME,
        "max_file_bytes": MAX_FILE_BYTES,
        "too_large": TOO_LARGE,
    }
    response = render(request, "demo_bot/page.html", context, status=status)
    return _remember(response, conversation)


def _context(conversation: Conversation) -> dict[str, Any]:
    handoff = conversation.open_handoff()
    return {
        "handoff": handoff,
        "lines": display.lines(conversation, handoff=handoff),
        "status": display.status(handoff),
        "typing": display.typing(handoff),
    }


def _conversation(request: HttpRequest) -> Conversation:
    found = Conversation.objects.filter(cookie=_cookie(request)).first()
    return found or chat.start_conversation()


def _cookie(request: HttpRequest) -> str:
    return request.COOKIES.get(settings.CONVERSATION_COOKIE_NAME, "")


def _remember(response: HttpResponse, conversation: Conversation) -> HttpResponse:
    response.set_cookie(
        settings.CONVERSATION_COOKIE_NAME,
        conversation.cookie,
        max_age=COOKIE_AGE,
        httponly=True,
        samesite="Lax",
    )
    return response


def _error(status: int, code: str, detail: str) -> JsonResponse:
    return JsonResponse({"code": code, "detail": detail}, status=status)
