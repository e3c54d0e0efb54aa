"""The agent's desk: what waits, what is mine, one chat at a time."""

import functools
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Concatenate, ParamSpec

from django.core.files.uploadedfile import UploadedFile
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.cache import add_never_cache_headers
from django.views.decorators.http import (
    require_http_methods,
    require_POST,
    require_safe,
)

from handoff.sandbox.instance import attachments, incidents, store, support, users
from handoff.sandbox.instance.attachment_api import file_response
from handoff.sandbox.instance.desk import lists
from handoff.sandbox.instance.desk.chats import Chat
from handoff.sandbox.instance.models import Row
from handoff.sandbox.instance.sessions import logged_in_user, login_url
from handoff.sandbox.instance.support import NotPossible

P = ParamSpec("P")


def for_agents(
    view: Callable[Concatenate[HttpRequest, Row, P], HttpResponse],
) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
    """Give a view the agent who is logged in; send everybody else to the login.

    Whoever has just authorized an application in this browser is logged in as its
    integration user: the login page says so, since that desk would be empty.
    """

    @functools.wraps(view)
    def door(
        request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs
    ) -> HttpResponse:
        agent = logged_in_user(request)
        if agent is None:
            response: HttpResponse = redirect(login_url(request.get_full_path()))
        elif not users.is_agent(agent):
            response = _not_an_agent(request, user=agent)
        else:
            response = view(request, agent, *args, **kwargs)
        if "Cache-Control" not in response:
            add_never_cache_headers(response)
        return response

    return door


@require_safe
@for_agents
def desk(request: HttpRequest, agent: Row, sys_id: str = "") -> HttpResponse:
    chat = _chat(agent, sys_id=sys_id) if sys_id else None
    return _page(request, agent=agent, chat=chat)


@require_safe
@for_agents
def chats(request: HttpRequest, agent: Row) -> HttpResponse:
    """Answer the list alone, for the page that is open."""
    return render(request, "desk/_chats.html", _lists(agent))


@require_http_methods(["GET", "HEAD", "POST"])
@for_agents
def messages(request: HttpRequest, agent: Row, sys_id: str) -> HttpResponse:
    """GET: the messages alone, for the page that is open. POST: send text, file."""
    chat = _chat(agent, sys_id=sys_id)
    if request.method != "POST":
        return render(request, "desk/_messages.html", {"chat": chat})
    # Browsers send every line break of a form as CR LF.
    text = request.POST.get("text", "").replace("\r\n", "\n")
    problem = _send(chat, text=text, upload=request.FILES.get("file"))
    if problem:
        draft = {"text": text, "problem": problem}
        return _page(request, agent=agent, chat=chat, draft=draft, status=400)
    return redirect("desk:chat", sys_id)


@require_safe
@for_agents
def incident(request: HttpRequest, agent: Row) -> HttpResponse:
    """Show the incident that the query's `sys_id` names, as links to it do."""
    row = store.get(table="incident", sys_id=request.GET.get("sys_id", ""))
    if row is None:
        raise Http404
    return _page(request, agent=agent, chat=None, incident=row)


@require_safe
@for_agents
def file(request: HttpRequest, agent: Row, sys_id: str, file_id: str) -> HttpResponse:
    found = _chat(agent, sys_id=sys_id).file(file_id)
    if found is None:
        raise Http404
    response = file_response(found.row, inline=found.is_picture)
    response["Cache-Control"] = "private, max-age=3600, immutable"
    return response


@require_POST
@for_agents
def typing(request: HttpRequest, agent: Row, sys_id: str) -> HttpResponse:
    """Tell the requester whether the agent is writing: `typing` is true or false."""
    chat = _chat(agent, sys_id=sys_id)
    # A courtesy: whoever still types as the chat ends need not hear of it.
    with suppress(NotPossible):
        chat.set_typing(typing=request.POST.get("typing") == "true")
    return HttpResponse(status=204)


@require_POST
@for_agents
def accept(request: HttpRequest, agent: Row, sys_id: str) -> HttpResponse:
    return _act(request, agent=agent, sys_id=sys_id, act=lambda chat: chat.accept())


@require_POST
@for_agents
def reject(request: HttpRequest, agent: Row, sys_id: str) -> HttpResponse:
    return _act(
        request,
        agent=agent,
        sys_id=sys_id,
        act=lambda chat: chat.reject(),
        then="desk:desk",
    )


@require_POST
@for_agents
def transfer(request: HttpRequest, agent: Row, sys_id: str) -> HttpResponse:
    """Give the chat to the queue that the field `queue` names by its sys_id."""

    def act(chat: Chat) -> None:
        wanted = request.POST.get("queue", "")
        for queue in chat.other_queues():
            if queue.sys_id == wanted:
                return chat.transfer(queue)
        raise NotPossible("Choose one of the other queues")

    return _act(request, agent=agent, sys_id=sys_id, act=act, then="desk:desk")


@require_POST
@for_agents
def end(request: HttpRequest, agent: Row, sys_id: str) -> HttpResponse:
    return _act(request, agent=agent, sys_id=sys_id, act=lambda chat: chat.end())


def _not_an_agent(request: HttpRequest, *, user: Row) -> HttpResponse:
    context = {
        "action": login_url("/desk/"),
        "problem": f"You are logged in as {store.name_of(user)}, who is no agent of"
        " any queue. Log in as an agent.",
    }
    return render(request, "instance/login.html", context, status=403)


def _act(
    request: HttpRequest,
    *,
    agent: Row,
    sys_id: str,
    act: Callable[[Chat], None],
    then: str = "",
) -> HttpResponse:
    """Do something with the chat and show it again, or the page named by `then`."""
    chat = _chat(agent, sys_id=sys_id)
    try:
        act(chat)
    except NotPossible as exc:
        draft = {"problem": str(exc)}
        chat = _chat(agent, sys_id=sys_id)
        return _page(request, agent=agent, chat=chat, draft=draft, status=409)
    return redirect(then) if then else redirect("desk:chat", sys_id)


def _send(chat: Chat, *, text: str, upload: "UploadedFile[bytes] | None") -> str:
    """Send what was typed and chosen; return what is wrong with it, if anything."""
    if not text.strip() and upload is None:
        return "Write something first, or choose a file"
    if upload and not 0 < (upload.size or 0) <= attachments.MAX_BYTES:
        return f"A file has 1 byte to {attachments.MAX_BYTES // 1024**2} MB"
    try:
        with transaction.atomic():
            if text.strip():
                chat.say(text)
            if upload:
                chat.send_file(
                    file_name=upload.name or "file",
                    content_type=upload.content_type or "application/octet-stream",
                    content=upload.read(),
                )
    except NotPossible as exc:
        return str(exc)
    return ""


def _page(
    request: HttpRequest,
    *,
    agent: Row,
    chat: Chat | None,
    draft: dict[str, Any] | None = None,
    incident: Row | None = None,
    status: int = 200,
) -> HttpResponse:
    context = _lists(agent) | {
        "agent_name": store.name_of(agent),
        "chat": chat,
        "incident": incident,
        "draft": draft or {},
        "max_length": support.MAX_MESSAGE,
    }
    return render(request, "desk/desk.html", context, status=status)


def _lists(agent: Row) -> dict[str, Any]:
    return {
        "waiting": lists.waiting(agent),
        "mine": lists.mine(agent),
        "incidents": incidents.newest(),
    }


def _chat(agent: Row, *, sys_id: str) -> Chat:
    chat = lists.find(sys_id, agent=agent)
    if chat is None:
        raise Http404
    return chat
