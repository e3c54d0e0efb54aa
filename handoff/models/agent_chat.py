"""What a bot's configuration has besides, where its chat system is Agent Chat."""

from datetime import timedelta

from django.db import models

from handoff.models.bot import Bot
from servicenow_auth.fields import SealedField


class StartStrategy(models.TextChoices):
    # Older versions of the app do not know the first call; the second one follows.
    CREATE = "create", "Create the conversation, then start it (recommended)"
    START = "start", "Start it at once"
    AGENT = "agent", "Ask the virtual agent for an agent"


class MessageAuth(models.TextChoices):
    NONE = "none", "None: every user is a guest"
    TOKEN = "token", "Static token"
    HASH = "hash", "Hash (HMAC)"


class QueueMode(models.TextChoices):
    CONTEXT = "context", "By a context variable, which the queues' conditions read"
    AWA = "awa", "By the AWA Routing API"


def default_phrases() -> dict[str, list[str]]:
    """Return ServiceNow's own English texts; an administrator may have changed them.

    Of each only what does not change is kept: a name stands before or after it.
    """
    return {
        "accepted": ["has entered the chat"],
        "closed": ["has closed the support session"],
        "timed_out": ["The support session was closed"],
        "no_agent": [
            "no agents available",
            "no agents are available",
            "no agent is available",
            "agents are not available",
        ],
    }


class AgentChatConfiguration(models.Model):
    bot = models.OneToOneField(
        Bot, models.CASCADE, primary_key=True, related_name="agent_chat"
    )
    start_strategy = models.CharField(
        max_length=10, choices=StartStrategy, default=StartStrategy.CREATE
    )
    # Inbound Id of the provider application; needed where an instance has several.
    app_inbound_id = models.CharField(max_length=100, blank=True)
    message_auth = models.CharField(
        max_length=10, choices=MessageAuth, default=MessageAuth.NONE
    )
    message_secret = SealedField()
    queue_mode = models.CharField(
        max_length=10, choices=QueueMode, default=QueueMode.CONTEXT
    )
    queue_variable = models.CharField(max_length=80, default="liveagent_queue_id")
    # How long ServiceNow may say nothing decisive after it took a start.
    answer_timeout = models.DurationField(default=timedelta(seconds=60))
    relay_virtual_agent = models.BooleanField(default=False)
    relay_survey = models.BooleanField(default=False)
    # What a text of the system or the virtual agent means → parts of such texts.
    phrases = models.JSONField(default=default_phrases)

    def __str__(self) -> str:
        return f"Agent Chat of {self.bot_id}"
