"""What happens to a request after its 200: it is verified, read and carried out.

One thread works off what came in, in order; an answer that is wanted in the HTTP
response itself is made at once, by the same steps.
"""

from typing import Any

from django.db import transaction

from handoff.sandbox.instance import switches
from handoff.sandbox.instance.background import Worker
from handoff.sandbox.instance.models import BotRequest, Row
from handoff.sandbox.instance.virtual_agent import (
    actions,
    conversation,
    downloads,
    message_auth,
    outbound,
    posts,
    request,
    timeouts,
)
from handoff.sandbox.instance.virtual_agent.parts import Said
from handoff.sandbox.instance.virtual_agent.request import Asked, Dropped

worker = Worker("va requests", rest=0.5)


def work() -> None:
    """Carry out all that has come in, then look at the clock."""
    while received := BotRequest.objects.first():
        asked = _read(received)
        with transaction.atomic():
            # Both or neither: a process that dies here does it once all the same.
            received.delete()
            outcome = _carry_out(asked) if asked else None
            if outcome:
                posts.post(*outcome)
    timeouts.look()


def answer(received: BotRequest) -> dict[str, Any] | None:
    """Carry a request out and return the envelope, if it comes to one."""
    asked = _read(received)
    if asked is None:
        return None
    with transaction.atomic():
        outcome = _carry_out(asked)
        if outcome is None:
            return None
        if switches.read("va_sync_also_posts"):
            posts.post(*outcome)
    return posts.envelope(*outcome)


def knows(action: str) -> bool:
    since_4 = posts.app_version() >= (4,) and action in actions.SINCE_4
    return since_4 or action in actions.ACTIONS


def _read(received: BotRequest) -> Asked | None:
    """Verify and read a request, and fetch its files, outside of any transaction."""
    body = request.body_of(received)
    try:
        _check_not_silent()
        request.check(body)
        application = request.application_of(body)
        is_proven = message_auth.is_proven(received, application=application)
    except Dropped as exc:
        outbound.log(f"{exc}, request {body.get('requestId')}")
        return None
    message = request.object_of(body, "message")
    return Asked(
        body=body,
        application=application,
        requester=message_auth.requester(
            request.text_of(body, "emailId"), is_proven=is_proven
        ),
        files=downloads.fetch_all(message, application=application),
    )


def _check_not_silent() -> None:
    if switches.read("va_silent"):
        raise Dropped("The switch va_silent is on")


def _carry_out(asked: Asked) -> tuple[Row, Said] | None:
    action = request.action_of(asked.body)
    known = action if knows(action) else ""
    interaction = conversation.find_open(asked)
    is_new = interaction is None
    if interaction is None:
        if known not in actions.OPENING:
            outbound.log(f"No open conversation for {action}")
            return None
        interaction = conversation.create(asked)
    elif conversation.is_repeat(interaction, asked=asked):
        return None
    conversation.remember(interaction, asked=asked)
    if is_new:
        actions.add_history(interaction, asked)
    fails = known in actions.ROUTING and switches.read("va_fail_late")
    do = actions.fault if fails else {**actions.ACTIONS, **actions.SINCE_4}[known]
    said = do(interaction, asked)
    return (interaction, said) if said else None
