"""What ServiceNow's calls cost the database."""

import pytest

from handoff import limits
from handoff.models.bot import CallbackAuthentication
from tests.callbacks.conftest import FIVE_KEYS, call, knock, signed
from tests.statements import run

pytestmark = pytest.mark.both_databases


@pytest.mark.parametrize("authentication", CallbackAuthentication.values)
def test_a_callback_takes_three(bot, url, secret, authentication):
    """The bot, its secrets, the row."""
    bot.callback_authentication = authentication
    bot.save()

    answer, statements = run(lambda: knock(authentication, url, secret=secret))

    assert answer.status_code == 202
    assert len(statements) == 3, statements


def test_a_repeat_takes_four(url, secret):
    call(url, **signed(secret))

    answer, statements = run(lambda: call(url, **signed(secret)))

    assert answer.status_code == 202
    assert len(statements) == 4, statements


def test_an_unsigned_callback_takes_three(bot, url, monkeypatch):
    """The bot, the rate, the row."""
    monkeypatch.setattr(limits, "_window", lambda: 1_000_000)
    bot.accept_existing_rules = True
    bot.save()
    # The first one of a minute also sweeps the counts of the last.
    call(url, FIVE_KEYS)

    answer, statements = run(lambda: call(url, FIVE_KEYS))

    assert answer.status_code == 202
    assert len(statements) == 3, statements
