"""What a bot runs on: its rows, keys, secrets and authorization."""

import secrets
from datetime import timedelta
from functools import partial

from django.db import transaction
from django.db.models import Q
from django.utils.timezone import now

from handoff import events
from handoff.models import (
    AgentChatConfiguration,
    ApiKey,
    Bot,
    BotRuntime,
    Handoff,
    Lane,
    SigningSecret,
)
from handoff.models.lane import Direction
from handoff.relay import due
from handoff.relay.to_servicenow import THROTTLED, UNREACHABLE
from servicenow_auth.exceptions import AnotherUser
from servicenow_auth.fields import Secret
from servicenow_auth.models import Connection

# How long a replaced signing secret stays valid beside the new one.
ROTATION = timedelta(hours=24)


@transaction.atomic
def prepare_bot(*, bot: Bot) -> None:
    """Give a bot the rows that it runs on; harmless to repeat."""
    BotRuntime.objects.get_or_create(bot=bot)
    AgentChatConfiguration.objects.get_or_create(bot=bot)
    Lane.objects.get_or_create(bot=bot, handoff=None, direction=Direction.TO_BOT)


@transaction.atomic
def switch_webhook_on(*, bot: Bot) -> None:
    """Let a webhook that was paused, or switched off by a 410, begin anew."""
    due.wake(Lane.objects.filter(bot=bot, direction=Direction.TO_BOT))
    BotRuntime.objects.filter(bot=bot).update(
        webhook_failures=0,
        webhook_paused_until=None,
        webhook_disabled_at=None,
        webhook_error="",
    )


def create_api_key(*, bot: Bot, name: str = "") -> tuple[ApiKey, str]:
    """Return a new key and its value, which is not kept and can't be shown again."""
    value = f"hk_{secrets.token_urlsafe(32)}"
    key = ApiKey.objects.create(
        bot=bot, name=name, prefix=value[:10], digest=ApiKey.digest_of(value)
    )
    return key, value


def revoke_api_key(*, key: ApiKey) -> None:
    ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=now())


@transaction.atomic
def new_signing_secret(*, bot: Bot, purpose: SigningSecret.Purpose) -> Secret:
    """Make the secret that counts from now on; the one before stays valid a while."""
    current = bot.signing_secrets.filter(purpose=purpose, expires_at=None)
    current.update(expires_at=now() + ROTATION)
    secret = SigningSecret.generate()
    SigningSecret.objects.create(bot=bot, purpose=purpose, value=secret)
    return secret


def resume_lanes(*, connection: Connection) -> None:
    """Let everything that waited for this connection go on, once it is committed.

    Lanes are locked before connections, never after them.
    """
    waiting = Lane.objects.filter(
        bot__connection=connection, direction=Direction.TO_SERVICENOW
    )
    transaction.on_commit(partial(due.wake, waiting))


def resume_paused_lanes(*, connection: Connection) -> None:
    """Let what only waited for calls to be possible go on, as `resume_lanes` does.

    So does what somebody has in hand, who may just be writing that it waits: until the
    end of the pause that he read, which may be an hour away.
    """
    waits = Q(stalled_reason__in=[UNREACHABLE, THROTTLED])
    waiting = Lane.objects.filter(
        waits | Q(lease_until__isnull=False),
        bot__connection=connection,
        direction=Direction.TO_SERVICENOW,
    )
    transaction.on_commit(partial(due.wake, waiting), robust=True)


def tell_authorization_required(*, connection: Connection, reason: str) -> None:
    """Tell the bot that a person must authorize it again; its handoffs are held."""
    bot = Bot.objects.filter(connection=connection).first()
    if bot is not None:
        prepare_bot(bot=bot)
        events.emit_for_bot(bot, "authorization.required", {"reason": reason})


def refuse_another_user(*, connection: Connection, user_name: str) -> None:
    """Raise AnotherUser while handoffs are open: ServiceNow shows them to their opener.

    As somebody else we could not read them, and would take our own words for an
    agent's.
    """
    if Handoff.objects.open().filter(bot__connection=connection).exists():
        raise AnotherUser(
            f"ServiceNow takes us for {user_name} now, but handoffs are still open as "
            f"{connection.runtime.user_name}. Authorize as that user, or end them."
        )
