"""ServiceNow tells us something: keep it first, believe it later."""

import re

from django.db import IntegrityError, transaction
from django.utils.timezone import now

from handoff import chat_systems, doorbell, strict_json
from handoff.exceptions import MalformedBody
from handoff.failpoints import Point, reach
from handoff.models import Bot, Callback, Handoff
from handoff.relay import looking

# How rules that write JSON by hand name the conversation.
GROUP = re.compile(rb'"group"\s*:\s*"([0-9a-f]{32})"')


def receive_callback(
    *, bot: Bot, body: bytes, authenticated_by: str, delivery_id: str | None
) -> Callback:
    """Store what ServiceNow said and ring for it; a repeat returns the first row.

    A broken body is stored too, and MalformedBody raised after it is safe.
    """
    try:
        content = strict_json.load_json(body)
    except MalformedBody as exc:
        _store_broken(bot, body, authenticated_by=authenticated_by, note=str(exc))
        raise
    group_id = chat_systems.group_of(bot, content)
    try:
        with transaction.atomic():
            callback = Callback.objects.create(
                bot=bot,
                delivery_id=delivery_id,
                group_id=group_id,
                authenticated_by=authenticated_by,
                body=body.decode(),
            )
            reach(Point.CALLBACK_STORED, callback)
            doorbell.ring_callbacks(bot_id=bot.pk, group_id=group_id)
            return callback
    except IntegrityError:
        return Callback.objects.get(bot=bot, delivery_id=delivery_id)


@transaction.atomic
def _store_broken(bot: Bot, body: bytes, *, authenticated_by: str, note: str) -> None:
    """Keep a body that cannot be read; if it names a conversation, that is read."""
    # Without the delivery id: a corrected call with the same one must still count.
    Callback.objects.create(
        bot=bot,
        authenticated_by=authenticated_by,
        body=body.decode(errors="replace").replace("\0", "\ufffd"),
        state=Callback.State.BROKEN,
        note=note[:300],
        processed_at=now(),
    )
    if named := GROUP.search(body):
        group_id = named[1].decode()
        spoken_of = Handoff.objects.filter(bot=bot, group_id=group_id)
        looking.read_now(spoken_of)
