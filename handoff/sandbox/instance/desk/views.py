"""The agent's desk: what waits, what is mine, one chat at a time."""

import functools
from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import (
    require_http_methods,
    require_POST,
    require_safe,
)

from handoff.sandbox.instance import acl, store, support, users
from handoff.sandbox.instance.desk.chats import Chat, my_chats, waiting_chats
from handoff.sandbox.instance.models import Row
from handoff.sandbox.instance.sessions import logged_in_user, login_url

P = ParamSpec("P")


def for_agents(
    view: Callable[Concatenate[HttpRequest, Row, P], HttpResponse],
) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
    """Give a view the agent who is logged in; send everybody else to the login.

    Whoever has just authorized an application in this browser is logged in as its
    integration user: the login page says so, since that desk would be empty.
    """

    @never_cache
    @functools.wraps(view)
    def door(
        request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs
    ) -> HttpResponse:
        agent = logged_in_user(request)
        if agent is None:
            return redirect(login_url(request.get_full_path()))
        if not users.is_agent(agent):
            return _not_an_agent(request, user=agent)
        return view(request, agent, *args, **kwargs)

    return door


@require_safe
@for_agents
def desk(request: HttpRequest, agent: Row, sys_id: str = "") -> HttpResponse:
    chat = Chat(_entry(agent, sys_id=sys_id), agent=agent) if sys_id else None
    return _page(request, agent=agent, chat=chat)


@require_safe
@for_agents
def chats(request: HttpRequest, agent: Row) -> HttpResponse:
    """Answer the list alone, for the page that is open."""
    return render(request, "desk/_chats.html", _lists(agent))


@require_http_methods(["GET", "HEAD", "POST"])
@for_agents
def messages(request: HttpRequest, agent: Row, sys_id: str) -> HttpResponse:
    """GET: the messages alone, for the page that is open. POST: send one."""
    chat = Chat(_entry(agent, sys_id=sys_id), agent=agent)
    if request.method != "POST":
        return render(request, "desk/_messages.html", {"chat": chat})
    # Browsers send every line break of a form as CR LF.
    text = request.POST.get("text", "").replace("\r\n", "\n")
    problem = _say(text, agent=agent, group=chat.group)
    if problem:
        draft = {"text": text, "problem": problem}
        return _page(request, agent=agent, chat=chat, draft=draft, status=400)
    return redirect("desk:chat", sys_id)


@require_POST
@for_agents
def accept(request: HttpRequest, agent: Row, sys_id: str) -> HttpResponse:
    return _act(request, agent=agent, sys_id=sys_id, action=support.accept)


@require_POST
@for_agents
def end(request: HttpRequest, agent: Row, sys_id: str) -> HttpResponse:
    return _act(request, agent=agent, sys_id=sys_id, action=support.close)


def _not_an_agent(request: HttpRequest, *, user: Row) -> HttpResponse:
    context = {
        "action": login_url("/desk/"),
        "problem": f"You are logged in as {store.name_of(user)}, who is no agent of"
        " any queue. Log in as an agent.",
    }
    return render(request, "instance/login.html", context, status=403)


def _act(
    request: HttpRequest, *, agent: Row, sys_id: str, action: Callable[..., Row]
) -> HttpResponse:
    entry = _entry(agent, sys_id=sys_id)
    try:
        action(entry=entry, agent=agent)
    except support.NotPossible as exc:
        draft = {"problem": str(exc)}
        chat = Chat(entry, agent=agent)
        return _page(request, agent=agent, chat=chat, draft=draft, status=409)
    return redirect("desk:chat", sys_id)


def _say(text: str, *, agent: Row, group: str) -> str:
    """Send what was typed; return what is wrong with it, if anything."""
    if not text.strip():
        return "Write something first"
    try:
        support.post(group=group, user=agent, text=text)
    except support.NotPossible as exc:
        return str(exc)
    return ""


def _page(
    request: HttpRequest,
    *,
    agent: Row,
    chat: Chat | None,
    draft: dict[str, Any] | None = None,
    status: int = 200,
) -> HttpResponse:
    context = _lists(agent) | {
        "agent_name": store.name_of(agent),
        "chat": chat,
        "draft": draft or {},
        "max_length": support.MAX_MESSAGE,
    }
    return render(request, "desk/desk.html", context, status=status)


def _lists(agent: Row) -> dict[str, Any]:
    return {"waiting": waiting_chats(agent), "mine": my_chats(agent)}


def _entry(agent: Row, *, sys_id: str) -> Row:
    entry = store.get(table="chat_queue_entry", sys_id=sys_id)
    if entry is None or not acl.may_see_entry(agent, entry=entry):
        raise Http404
    return entry
