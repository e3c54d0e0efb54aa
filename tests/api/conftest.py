import pytest

from handoff.models import Bot
from tests.api.bots import Api, api_of, make_bot


@pytest.fixture
def bot(db) -> Bot:
    return make_bot()


@pytest.fixture
def api(bot: Bot) -> Api:
    return api_of(bot)


@pytest.fixture
def stranger(db) -> Api:
    """Another bot, with a good key of its own."""
    return api_of(make_bot("Rival"))


@pytest.fixture
def handoff_id(api: Api) -> str:
    body = {"conversation_id": "c-1", "message": "Help!"}
    return str(api.post("/handoffs", body).json()["id"])
