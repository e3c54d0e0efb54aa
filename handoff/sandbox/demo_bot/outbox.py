"""Sends what waits for the product: one thread, in order, until it is answered."""

import logging
from datetime import timedelta

from django.db import DatabaseError, transaction
from django.utils import timezone

from handoff.sandbox.demo_bot import chat, product, script
from handoff.sandbox.demo_bot.models import (
    Delivery,
    File,
    Handoff,
    Kind,
    Message,
    Outgoing,
    State,
)

logger = logging.getLogger(__name__)

LONGEST_WAIT = 15


def run() -> None:
    """Send for as long as the process lives; what it leaves, the next one sends."""
    while True:
        try:
            drain()
        except DatabaseError:
            logger.exception("outbox.failed")
        chat.bell.wait(timeout=1)
        chat.bell.clear()


def drain() -> None:
    """Send, for each conversation, from its oldest call up to the first that waits."""
    waiting = (
        Outgoing.objects.order_by().values_list("handoff__conversation").distinct()
    )
    for (conversation_id,) in waiting:
        calls = Outgoing.objects.filter(handoff__conversation=conversation_id)
        while (call := calls.order_by("pk").first()) and call.due_at <= timezone.now():
            _send(call)


def _send(call: Outgoing) -> None:
    try:
        _SENDERS[Kind(call.kind)](call)
    except product.Unavailable as exc:
        _postpone(call, unavailable=exc)
    except product.Refused as exc:
        logger.warning("outbox.refused %s: %s", call, exc)
        _take_back(call, refused=exc)


def _start(call: Outgoing) -> None:
    started = product.start_handoff(call.body)
    with transaction.atomic():
        Handoff.objects.filter(pk=call.handoff.pk).update(remote_id=started.handoff_id)
        if started.message_sent:
            _sent(call)
        else:
            _send_as_message(call)


def _message(call: Outgoing) -> None:
    product.send_message(handoff_id=_remote_id(call), body=call.body)
    with transaction.atomic():
        _sent(call)


def _upload(call: Outgoing) -> None:
    attachment_id = product.upload(File.objects.get(message=call.message))
    with transaction.atomic():
        message_call = Outgoing.objects.get(message=call.message, kind=Kind.MESSAGE)
        message_call.body["attachments"] = [attachment_id]
        message_call.save(update_fields=["body"])
        call.delete()


def _end(call: Outgoing) -> None:
    product.end_handoff(handoff_id=_remote_id(call), body=call.body)
    call.delete()


_SENDERS = {
    Kind.START: _start,
    Kind.UPLOAD: _upload,
    Kind.MESSAGE: _message,
    Kind.END: _end,
}


def _remote_id(call: Outgoing) -> str:
    remote_id: str = call.handoff.remote_id
    if not remote_id:
        raise product.Refused(status=404, code="never_started")
    return remote_id


def _sent(call: Outgoing) -> None:
    # An event may have told more already.
    Message.objects.filter(outgoing=call, delivery=Delivery.SENDING).update(
        delivery=Delivery.SENT
    )
    call.delete()


def _send_as_message(call: Outgoing) -> None:
    """Go on in the handoff that was open already, with the message it left out."""
    message = call.message
    if message is None:
        call.delete()
        return
    call.kind, call.body = Kind.MESSAGE, chat.message_body(message)
    call.save(update_fields=["kind", "body"])


def _postpone(call: Outgoing, *, unavailable: product.Unavailable) -> None:
    wait = max(min(2**call.attempts, LONGEST_WAIT), unavailable.retry_after)
    logger.warning("outbox.waits %s for %s s: %s", call, wait, unavailable)
    call.attempts += 1
    call.due_at = timezone.now() + timedelta(seconds=wait)
    call.save(update_fields=["attempts", "due_at"])


@transaction.atomic
def _take_back(call: Outgoing, *, refused: product.Refused) -> None:
    """Let the bot deal with what the product will not have."""
    if call.kind == Kind.START:
        _settle(call, delivery="")
        chat.bot_says(conversation=call.handoff.conversation, text=script.NO_PERSON)
        chat.finish(handoff=call.handoff, state=State.FAILED)
    elif refused.handoff_is_over and call.kind != Kind.UPLOAD:
        _settle(call, delivery="")
        chat.finish(handoff=call.handoff, state=State.ENDED)
        if call.message is not None:
            chat.answer(call.message)
    else:
        _settle(call, delivery=Delivery.FAILED, reason=refused.detail)


def _settle(call: Outgoing, *, delivery: str, reason: str = "") -> None:
    Message.objects.filter(outgoing=call).update(delivery=delivery, reason=reason)
    # A message whose file is refused is not sent without it.
    Outgoing.objects.filter(message__outgoing=call).delete()
    Outgoing.objects.filter(pk=call.pk).delete()
