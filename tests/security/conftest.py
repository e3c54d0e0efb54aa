from tests.relay.conftest import bot, handoff, running

__all__ = ["bot", "handoff", "running"]
