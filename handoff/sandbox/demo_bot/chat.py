"""What a user can do in the chat; each is one transaction, and calls nobody."""

import threading
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from handoff.sandbox.demo_bot import script
from handoff.sandbox.demo_bot.models import (
    FINAL,
    Conversation,
    Delivery,
    File,
    Handoff,
    Kind,
    Message,
    Outgoing,
    Role,
    State,
)

USER_NAME = "Guest"
# The product takes 200 kB; escaped as JSON, a byte of text may become three.
TRANSCRIPT_BYTES = 60_000
TRANSCRIPT_ENTRIES = 500

#: Rung after a commit that leaves something to send.
bell = threading.Event()


@transaction.atomic
def start_conversation() -> Conversation:
    """Begin with the bot's greeting."""
    conversation = Conversation.objects.create()
    bot_says(conversation=conversation, text=script.GREETING)
    return conversation


@transaction.atomic
def say(
    *, conversation: Conversation, key: str, text: str, file: File | None = None
) -> None:
    """Take a message of the user's; the same key twice is the same message."""
    if Message.objects.filter(conversation=conversation, key=key).exists():
        return
    handoff = conversation.open_handoff()
    if file and handoff is None and script.asks_for_a_person(text):
        # A start carries no file: it follows as a message of its own.
        say(conversation=conversation, key=key, text=text)
        say(conversation=conversation, key=f"{key}-file", text="", file=file)
        return
    message = _user_says(conversation=conversation, key=key, text=text)
    if file:
        file.message = message
        file.save()
    if handoff is None:
        answer(message)
    else:
        _pass_on(message=message, handoff=handoff)


@transaction.atomic
def choose(*, message: Message, value: str) -> None:
    """Take one of a message's choices as the user's answer, once."""
    handoff = message.conversation.open_handoff()
    labels = {choice["value"]: choice["label"] for choice in message.choices}
    if value not in labels or not is_choosable(message=message, handoff=handoff):
        return
    Message.objects.filter(pk=message.pk).update(chosen=value)
    said = _user_says(
        conversation=message.conversation,
        key=f"{message.pk}-choice",
        text=labels[value],
    )
    _pass_on(message=said, handoff=message.handoff, choice_value=value)


def is_choosable(*, message: Message, handoff: Handoff | None) -> bool:
    """Tell whether a choice can still be taken; `handoff` is the open one."""
    return (
        handoff is not None
        and handoff.pk == message.handoff_id
        and not handoff.end_asked
        and not message.chosen
    )


@transaction.atomic
def end(conversation: Conversation) -> None:
    """Let the user leave the agent; the product then says when it is over."""
    handoff = conversation.open_handoff()
    if handoff is None or handoff.end_asked:
        return
    Handoff.objects.filter(pk=handoff.pk).update(end_asked=True)
    _send(handoff=handoff, kind=Kind.END, body={"reason": "user_left"})


def answer(message: Message) -> None:
    """Let the bot deal with a message."""
    if message.own_file:
        bot_says(conversation=message.conversation, text=script.NO_FILES)
    elif script.asks_for_a_person(message.text):
        _hand_over(message)
    else:
        bot_says(conversation=message.conversation, text=script.reply(message.text))


def finish(*, handoff: Handoff, state: State, sequence: int | None = None) -> bool:
    """Let the bot resume, once; False when it has resumed already."""
    open_row = Handoff.objects.filter(pk=handoff.pk).exclude(state__in=FINAL)
    if not open_row.update(state=state):
        return False
    Message.objects.create(
        conversation=handoff.conversation,
        handoff=handoff,
        role=Role.BOT,
        author=script.NAME,
        text=script.BACK,
        sequence=sequence,
    )
    return True


def message_body(message: Message) -> dict[str, Any]:
    """Return what the product is sent; its id makes repeats harmless."""
    body = {
        "id": message.key,
        "role": Role.USER,
        "sent_at": message.created_at.isoformat(),
    }
    return body | {"text": message.text} if message.text else body


def bot_says(*, conversation: Conversation, text: str) -> None:
    """Show a line of the bot's own."""
    Message.objects.create(
        conversation=conversation, role=Role.BOT, author=script.NAME, text=text
    )


def messages_of(conversation: Conversation) -> QuerySet[Message]:
    """Return the messages without what is in their files."""
    messages = Message.objects.filter(conversation=conversation)
    return messages.select_related("file").defer("file__content")


def messages_in_order(conversation: Conversation) -> list[Message]:
    """Return the chat as it is to be shown.

    Webhooks may overtake one another. The places that a handoff's events took in
    the chat are therefore filled in the order of the events' sequence.
    """
    messages = list(messages_of(conversation).order_by("pk"))
    places: dict[Any, list[int]] = {}
    for place, message in enumerate(messages):
        if message.sequence is not None:
            places.setdefault(message.handoff_id, []).append(place)
    for taken in places.values():
        ordered = sorted((messages[i] for i in taken), key=lambda m: m.sequence or 0)
        for place, message in zip(taken, ordered, strict=True):
            messages[place] = message
    return messages


def _hand_over(message: Message) -> None:
    conversation = message.conversation
    handoff = Handoff.objects.create(conversation=conversation)
    body = {
        "id": str(handoff.pk),
        "conversation_id": str(conversation.pk),
        "message": message.text,
        "user": {"id": str(conversation.pk), "name": USER_NAME},
        "channel": "web",
        "transcript": _transcript(before=message),
        # Comes back with every event, even with one that overtakes the answer.
        "metadata": {"handoff": str(handoff.pk)},
    }
    bot_says(conversation=conversation, text=script.HANDING_OVER)
    _send(handoff=handoff, kind=Kind.START, body=body, message=message)


def _transcript(*, before: Message) -> list[dict[str, str]]:
    """Return what was said so far, without the oldest that would be too much."""
    chat = messages_of(before.conversation)
    earlier = chat.filter(pk__lt=before.pk).exclude(role=Role.SYSTEM)
    lines: list[dict[str, str]] = []
    room = TRANSCRIPT_BYTES
    for message in earlier.order_by("-pk")[:TRANSCRIPT_ENTRIES]:
        words = message.words
        room -= len(words.encode())
        if room < 0:
            break
        if words:
            sent_at = message.created_at.isoformat()
            lines.append({"role": message.role, "text": words, "sent_at": sent_at})
    return lines[::-1]


def _user_says(*, conversation: Conversation, key: str, text: str) -> Message:
    return Message.objects.create(
        conversation=conversation, key=key, role=Role.USER, author=USER_NAME, text=text
    )


def _pass_on(*, message: Message, handoff: Handoff, choice_value: str = "") -> None:
    body = message_body(message)
    if choice_value:
        body["choice_value"] = choice_value
    if message.own_file:
        _send(handoff=handoff, kind=Kind.UPLOAD, body={}, message=message)
    _send(handoff=handoff, kind=Kind.MESSAGE, body=body, message=message)


def _send(
    *,
    handoff: Handoff,
    kind: Kind,
    body: dict[str, Any],
    message: Message | None = None,
) -> None:
    if message is not None:
        message.handoff = handoff
        message.delivery = Delivery.SENDING
        message.save(update_fields=["handoff", "delivery"])
    Outgoing.objects.create(handoff=handoff, kind=kind, body=body, message=message)
    transaction.on_commit(bell.set)
