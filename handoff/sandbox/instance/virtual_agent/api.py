"""The doors of Agent Chat: the Virtual Agent API and the AWA Routing API."""

from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse

from handoff.sandbox.instance import store, switches
from handoff.sandbox.instance.answers import PlatformError, answer
from handoff.sandbox.instance.api import api_view, json_body
from handoff.sandbox.instance.models import BotRequest, Row
from handoff.sandbox.instance.virtual_agent import actions, engine, posts, routing
from handoff.sandbox.instance.virtual_agent.conversation import Stage
from handoff.sandbox.instance.virtual_agent.request import action_of, text_of

RECEIVED = {"status": "success"}
# Always answered when they are done, not before.
_SYNCHRONOUS = ("UPDATE_MESSAGES", "SEND_HISTORY")
_MAY_BE_SYNCHRONOUS = ("CREATE_CONVERSATION", "START_CREATED_CONVERSATION")


@api_view("POST")
def integration(request: HttpRequest, _user: Row) -> HttpResponse:
    """Acknowledge a request and handle it later: a 200 says *received* and no more."""
    _check_is_open()
    if request.content_type != "application/json":
        raise _bad_request("Only application/json is supported")
    body = json_body(request)
    _check_action(action_of(body))
    received = BotRequest(
        raw=request.body,
        token=request.headers.get("token") or text_of(body, "token"),
        signature=request.headers.get("x-b2b-signature", ""),
    )
    if _is_synchronous(body):
        return answer(engine.answer(received) or RECEIVED)
    received.save()
    engine.worker.wake()
    return answer(RECEIVED)


@api_view("POST")
@transaction.atomic
def work_item(request: HttpRequest, _user: Row, queue_id: str) -> HttpResponse:
    """Route an interaction to a queue, whatever the queue's conditions say."""
    body = json_body(request)
    queue = store.get(table="awa_queue", sys_id=queue_id)
    interaction = store.get(
        table="interaction", sys_id=text_of(body, "document_sys_id")
    )
    if queue is None or interaction is None:
        raise PlatformError(status=404, message="Record not found", detail=None)
    if interaction.value("stage") == Stage.ENDED:
        raise _bad_request("The interaction is closed")
    if interaction.value("stage") == Stage.CREATED:
        # It rings at nobody before the conversation is started.
        routing.assign(interaction, queue=queue)
    else:
        said = routing.put_in_line(interaction, queue=queue, before=[])
        posts.post(interaction, said)
    return answer({"result": _work_item_json(interaction, queue=queue)})


def _work_item_json(interaction: Row, *, queue: Row) -> dict[str, str]:
    item = routing.waiting_item(interaction)
    return {
        "sys_id": item.sys_id if item else "",
        "queue_sys_id": queue.sys_id,
        "document_sys_id": interaction.sys_id,
        "document_table": "interaction",
        "display_name": interaction.value("number"),
    }


def _check_is_open() -> None:
    status = switches.read("va_refuses_with")
    if status:
        message = "Virtual Agent API functionality is disabled"
        raise PlatformError(status=status, message=message, detail=None)


def _check_action(action: str) -> None:
    """Refuse what the app does not know; an old one may take it for an utterance."""
    is_old = posts.app_version() < (4,)
    if is_old and switches.read("va_unknown_action") == "utterance":
        return
    if not engine.knows(action):
        raise _bad_request(f"Invalid action {action}")


def _is_synchronous(body: dict[str, Any]) -> bool:
    action = action_of(body)
    if not engine.knows(action):
        return False
    fails_late = action in actions.ROUTING and switches.read("va_fail_late")
    is_wanted = body.get("syncResponse") is True and action in _MAY_BE_SYNCHRONOUS
    return action in _SYNCHRONOUS or (is_wanted and not fails_late)


def _bad_request(message: str) -> PlatformError:
    return PlatformError(status=400, message=message, detail=None)
