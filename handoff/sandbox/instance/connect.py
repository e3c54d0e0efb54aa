"""Connect and Connect Support over REST: `/api/now/connect/…` and `/api/now/live/…`."""

import functools
from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse

from handoff.sandbox.instance import acl, store, support, transfer
from handoff.sandbox.instance.answers import Refusal, answer, no_such_resource
from handoff.sandbox.instance.api import api_view, json_body
from handoff.sandbox.instance.connect_json import (
    conversation_json,
    entry_json,
    messages_json,
    profile_json,
    queue_json,
)
from handoff.sandbox.instance.faults.rows import visible
from handoff.sandbox.instance.models import Row

PAGE = 30
_TRANSFER_ANSWERS = ("accept", "reject", "cancel", "complete")


def connect_view(
    *methods: str,
) -> Callable[[Callable[..., Any]], Callable[..., HttpResponse]]:
    """Wrap a view whose value is the `result`; a refusal's text stands there too."""

    def decorate(view: Callable[..., Any]) -> Callable[..., HttpResponse]:
        @api_view(*methods)
        @functools.wraps(view)
        def door(
            request: HttpRequest, user: Row, *args: Any, **kwargs: Any
        ) -> HttpResponse:
            try:
                return answer({"result": view(request, user, *args, **kwargs)})
            except support.TooLong as exc:
                raise Refusal(status=400, body={"result": str(exc)}) from exc
            except support.NobodyWaits as exc:
                raise Refusal(status=404, body={"result": {"error": str(exc)}}) from exc
            except support.NotPossible as exc:
                raise Refusal(status=403, body={"result": str(exc)}) from exc

        return door

    return decorate


@connect_view("GET")
def queues(request: HttpRequest, user: Row) -> Any:
    return [queue_json(queue, user=user) for queue in store.find("chat_queue")]


@connect_view("GET")
def queue(request: HttpRequest, user: Row, queue_id: str) -> Any:
    return queue_json(_row("chat_queue", queue_id), user=user)


@connect_view("GET", "POST")
def queue_sessions(request: HttpRequest, user: Row, queue_id: str) -> Any:
    """GET: my conversations in this queue. POST: start one with a first message."""
    queue = _row("chat_queue", queue_id)
    if request.method == "POST":
        text = _text(json_body(request))
        return entry_json(support.start(queue=queue, user=user, text=text))
    return [
        conversation_json(_row("live_group_profile", entry.value("group")), entry=entry)
        for entry in visible(
            store.find("chat_queue_entry", queue=queue_id), request=request, user=user
        )
        if acl.may_see_entry(user, entry=entry)
    ]


@connect_view("POST")
def queue_accept(request: HttpRequest, user: Row, queue_id: str) -> Any:
    queue = _row("chat_queue", queue_id)
    return entry_json(support.accept_next(queue=queue, agent=user))


@connect_view("GET")
def sessions(request: HttpRequest, user: Row) -> Any:
    """List the queue entries that I may see, by `group_id`, `queue_id`, `closed`."""
    columns = {"group_id": "group", "queue_id": "queue"}
    wanted = {
        column: request.GET[parameter]
        for parameter, column in columns.items()
        if parameter in request.GET
    }
    entries = store.find("chat_queue_entry", **wanted)
    if "closed" in request.GET:
        closed = request.GET["closed"] == "true"
        entries = [
            entry
            for entry in entries
            if (entry.value("state") not in support.OPEN) == closed
        ]
    return [
        entry_json(entry)
        for entry in visible(entries, request=request, user=user)
        if acl.may_see_entry(user, entry=entry)
    ]


@connect_view("POST")
def session_action(request: HttpRequest, user: Row, group_id: str, action: str) -> Any:
    actions: dict[str, Callable[[Row], Row]] = {
        "leave": lambda entry: support.leave(entry=entry, user=user),
        "rejoin": lambda entry: support.rejoin(entry=entry, user=user),
        "close": lambda entry: support.close(entry=entry, agent=user),
    }
    if action not in actions:
        raise no_such_resource()
    return entry_json(actions[action](_entry(user, group_id=group_id)))


@connect_view("POST")
def escalate(request: HttpRequest, user: Row, group_id: str, queue_id: str) -> Any:
    entry, queue = _entry(user, group_id=group_id), _row("chat_queue", queue_id)
    return entry_json(support.escalate(entry=entry, agent=user, queue=queue))


@connect_view("POST")
def transfer_session(request: HttpRequest, user: Row, group_id: str, to: str) -> Any:
    """Offer the chat to an agent, or settle such an offer."""
    entry = _entry(user, group_id=group_id)
    if to in _TRANSFER_ANSWERS:
        return entry_json(transfer.settle(entry=entry, agent=user, answer=to))
    agent = _row("sys_user", to)
    return entry_json(transfer.offer(entry=entry, agent=user, to=agent))


@connect_view("GET")
def conversation(request: HttpRequest, user: Row, group_id: str) -> Any:
    group = _conversation(user, group_id=group_id)
    return conversation_json(group, entry=support.latest_entry(group_id))


@connect_view("GET", "POST")
def messages(request: HttpRequest, user: Row, group_id: str) -> Any:
    """GET: a page, newest first, older ones by `before`. POST: say something."""
    if request.method == "POST":
        _row("live_group_profile", group_id)
        body = json_body(request)
        field = str(body.get("reflected_field") or "comments")
        message = support.post(
            group=group_id,
            user=user,
            text=_text(body),
            reflected_field=field,
            files=_attachments(body),
        )
        return messages_json([message])[0]
    _conversation(user, group_id=group_id)
    found = support.messages(group_id).order_by("-pk")
    before = request.GET.get("before", "")
    if before.isdecimal():
        found = found.filter(created_ms__lt=int(before))
    return messages_json(visible(found[:PAGE], request=request, user=user))


@connect_view("GET")
def profile(request: HttpRequest, user: Row, profile_id: str) -> Any:
    """Show a live profile by its own id or by `sys_user.<id of the user>`."""
    table, dot, document = profile_id.partition(".")
    if not dot:
        return profile_json(_row("live_profile", profile_id))
    found = store.first("live_profile", table=table, document=document)
    if found is None:
        raise _not_found("Profile")
    return profile_json(found)


def _row(table: str, sys_id: str) -> Row:
    row = store.get(table=table, sys_id=sys_id)
    if row is None:
        raise _not_found("Record")
    return row


def _entry(user: Row, *, group_id: str) -> Row:
    entry = support.latest_entry(group_id)
    if entry is None or not acl.may_see_entry(user, entry=entry):
        raise _not_found("Session")
    return entry


def _conversation(user: Row, *, group_id: str) -> Row:
    group = _row("live_group_profile", group_id)
    if not acl.takes_part(user, group=group_id):
        text = "You are not a member of this conversation"
        raise Refusal(status=403, body={"result": text})
    return group


def _text(body: dict[str, Any]) -> str:
    text = body.get("message")
    if not isinstance(text, str) or not text:
        raise Refusal(status=400, body={"result": "A message is required"})
    return text


def _attachments(body: dict[str, Any]) -> list[str]:
    given = body.get("attachments") or []
    if not isinstance(given, list) or not all(isinstance(one, str) for one in given):
        raise Refusal(status=400, body={"result": "attachments is a list of sys_ids"})
    return given


def _not_found(what: str) -> Refusal:
    return Refusal(status=404, body={"result": f"{what} not found"})
