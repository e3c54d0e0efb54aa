"""Keys and secrets made here, each with what to do with it."""

from dataclasses import dataclass
from urllib.parse import urlencode

from handoff import services
from handoff.models import Bot, SigningSecret
from handoff.models.bot import CallbackAuthentication, ChatSystem


@dataclass(frozen=True, kw_only=True)
class NewSecret:
    """A value for the next page, which alone ever shows it; `name` is its id there."""

    name: str
    label: str
    value: str
    use: str


USES = {
    (ChatSystem.CONNECT_SUPPORT, CallbackAuthentication.SIGNATURE): (
        "ServiceNow signs its callbacks with it. The property handoff.callback_key "
        "holds it, without whsec_."
    ),
    (ChatSystem.CONNECT_SUPPORT, CallbackAuthentication.HEADER): (
        "Enter it in ServiceNow as the HTTP header X-Handoff-Secret of the REST "
        "message's method."
    ),
    (ChatSystem.CONNECT_SUPPORT, CallbackAuthentication.BASIC): (
        "Enter it in ServiceNow as the password of the Basic Auth profile of the REST "
        "message's method; any user name will do."
    ),
    (ChatSystem.CONNECT_SUPPORT, CallbackAuthentication.URL): (
        "Enter all of it in ServiceNow as the Endpoint of the REST message and of its "
        "method."
    ),
    (ChatSystem.AGENT_CHAT, CallbackAuthentication.SIGNATURE): (
        "Agent Chat cannot sign: choose another callback authentication, then make a "
        "new secret."
    ),
    (ChatSystem.AGENT_CHAT, CallbackAuthentication.HEADER): (
        "Enter it in ServiceNow as the header X-Handoff-Secret of the outbound "
        "connection: an attribute of Bot Connection; before version 4.1 of the app "
        "Virtual Agent API, an HTTP header of the method postMessage of the REST "
        "message VA Bot to Bot."
    ),
    (ChatSystem.AGENT_CHAT, CallbackAuthentication.BASIC): (
        "Enter it in ServiceNow as the password of the outbound connection, with any "
        "user name: in the credential of Bot Connection; before version 4.1 of the app "
        "Virtual Agent API, in the Basic Auth profile of the REST message VA Bot to "
        "Bot."
    ),
    (ChatSystem.AGENT_CHAT, CallbackAuthentication.URL): (
        "Enter all of it in ServiceNow as the Connection URL of Bot Connection; before "
        "version 4.1 of the app Virtual Agent API, as the Endpoint of the REST message "
        "VA Bot to Bot and of its method postMessage."
    ),
}


def first_secrets(bot: Bot) -> list[NewSecret]:
    """Make what a new bot needs to be called, and to call and be called back."""
    return [
        new_signing_secret(bot=bot, purpose=SigningSecret.Purpose.CALLBACK),
        new_signing_secret(bot=bot, purpose=SigningSecret.Purpose.WEBHOOK),
        new_api_key(bot=bot),
    ]


def new_api_key(*, bot: Bot) -> NewSecret:
    _, value = services.create_api_key(bot=bot)
    return NewSecret(
        name="api-key",
        label="API key",
        value=value,
        use="Your bot sends it with each call: Authorization: Bearer …",
    )


def new_signing_secret(*, bot: Bot, purpose: SigningSecret.Purpose) -> NewSecret:
    value = services.new_signing_secret(bot=bot, purpose=purpose).reveal()
    if purpose == SigningSecret.Purpose.CALLBACK:
        return _callback_secret(bot, value)
    return NewSecret(
        name="webhook-secret",
        label="Webhook secret",
        value=value,
        use="Your bot verifies with it that a webhook is ours.",
    )


def _callback_secret(bot: Bot, value: str) -> NewSecret:
    label = "Callback secret"
    if bot.callback_authentication == CallbackAuthentication.URL:
        label = "Callback URL with its secret"
        value = f"{bot.callback_url}?{urlencode({'secret': value})}"
    return NewSecret(
        name="callback-secret",
        label=label,
        value=value,
        use=USES[
            ChatSystem(bot.chat_system),
            CallbackAuthentication(bot.callback_authentication),
        ],
    )
