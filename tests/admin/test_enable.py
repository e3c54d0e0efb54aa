"""Save asks ServiceNow after the commit; so these tests let transactions commit."""

import pytest
import requests

from handoff.models import Bot
from servicenow_auth.models import Connection, ConnectionRuntime, State
from tests.admin.people import ME, WHO_AM_I, told

pytestmark = pytest.mark.django_db(transaction=True)

SOMEBODY = {"result": [ME]}
AWAY = requests.ConnectionError()


def enabled() -> bool:
    return Bot.objects.get().enabled


def test_enable_is_switched_on_when_all_is_well(alice, bot, http):
    http.get(WHO_AM_I, json=SOMEBODY)
    assert told(alice.save_bot(bot, enabled="on")) == ["Saved."]
    assert enabled()


def test_a_new_bot_can_be_enabled_at_once(alice, group, http):
    http.get(WHO_AM_I, json=SOMEBODY)
    alice.add_bot(password="secret", enabled="on", owner_group=group.pk)
    assert enabled()
    assert ConnectionRuntime.objects.get().user_name == "chatbot.interface"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"host_url": "", "confirm_host": "on"}, "The Host URL is missing."),
        ({"user_name": ""}, "The User Name or the Password is missing."),
        ({"queue_id": ""}, "The Queue ID is missing."),
        (
            {"authorization_type": "oauth"},
            "The Client ID or the Client Secret is missing.",
        ),
        (
            {"authorization_type": "oauth", "client_id": "a", "client_secret": "b"},
            "Nobody has authorized it yet: click Authorize.",
        ),
    ],
)
def test_what_is_missing_is_named_and_the_rest_is_stored(alice, bot, change, sentence):
    answer = alice.save_bot(bot, enabled="on", name="Stored", **change)
    assert told(answer) == [f"Saved, but Enable is off: {sentence}"]
    assert not enabled()
    assert Bot.objects.get().name == "Stored"


@pytest.mark.parametrize(
    ("status", "body", "sentence"),
    [
        (401, {"error": {"message": "no"}}, "Check User Name and Password."),
        (403, {"error": {"message": "no"}}, "its own sys_user record"),
        (500, {"error": {"message": "no"}}, "Host unreachable"),
        (200, {"result": []}, "Check User Name and Password."),
    ],
)
def test_a_refusal_of_servicenow_is_a_sentence_to_act_on(
    alice, bot, http, status, body, sentence
):
    http.get(WHO_AM_I, status=status, json=body)
    (message,) = told(alice.save_bot(bot, enabled="on", password="stored"))
    assert message.startswith("Saved, but Enable is off: ")
    assert sentence in message
    assert not enabled()
    assert Connection.objects.get().password.reveal() == "stored"


def test_an_instance_that_is_away_switches_no_running_bot_off(alice, bot, http):
    Bot.objects.update(enabled=True)
    http.get(WHO_AM_I, body=AWAY)
    (message,) = told(alice.save_bot(bot, enabled="on", queue_id="b" * 32))
    assert message.startswith("Saved. Host unreachable")
    assert enabled()


def test_refused_credentials_switch_a_running_bot_off(alice, bot, http):
    Bot.objects.update(enabled=True)
    http.get(WHO_AM_I, status=401, json={})
    alice.save_bot(bot, enabled="on", password="wrong")
    assert not enabled()


def test_a_change_that_servicenow_has_no_part_in_asks_it_nothing(alice, bot):
    Bot.objects.update(enabled=True)
    assert told(alice.save_bot(bot, enabled="on", text_ended="Bye")) == ["Saved."]
    assert enabled()


def test_new_credentials_are_tried_at_once(alice, bot, http):
    http.get(WHO_AM_I, json=SOMEBODY)
    alice.save_bot(bot, password="new")
    assert ConnectionRuntime.objects.get().state == State.READY


def test_new_credentials_that_fail_are_stored_and_told_of(alice, bot, http):
    http.get(WHO_AM_I, body=AWAY)
    (message,) = told(alice.save_bot(bot, password="new"))
    assert message.startswith("Saved. Host unreachable")
    assert Connection.objects.get().password.reveal() == "new"


def test_enable_is_switched_off_without_a_question(alice, bot):
    Bot.objects.update(enabled=True)
    alice.save_bot(bot)
    assert not enabled()
