from tests.relay.conftest import bot, handoff, running, webhook_bot

__all__ = ["bot", "handoff", "running", "webhook_bot"]
