"""The demo bot's chat page: what its user says, and what the script answers."""

import re
import uuid

import pytest
import requests

from tests.sandbox.demo_bot import AS_WRITTEN, User

pytestmark = pytest.mark.real_http


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ("When do you open?", "Monday to Friday"),
        ("Where is my order?", "number of your order"),
        ("Order 1042, please", "Order 1042 is on its way"),
        ("help", "opening hours"),
        ("The agency is a humane place", "did not understand"),
    ],
)
def test_the_bot_answers_by_itself(user, product, said, answer):
    user.say(said)

    greeting, reply = user.sees("bot")
    assert "Hello" in greeting
    assert answer in reply
    assert product.calls == []


def test_what_is_said_is_displayed_as_written(user):
    user.say(AS_WRITTEN.replace("\n", "\r\n"))

    assert user.sees("user") == [AS_WRITTEN]


def test_the_same_form_sent_twice_is_one_message(user):
    once = str(uuid.uuid4())
    user.say("hello", id=once)
    user.say("hello", id=once)

    assert user.sees("user") == ["hello"]


@pytest.mark.parametrize("text", ["", " \n", "x" * 8001, "a\0b"])
def test_a_message_that_cannot_be_taken_is_explained(user, text):
    answer = user.say(text)

    assert answer.status_code == 400
    assert re.search(r'id="notice"[^>]*role="status">\w+', answer.text)
    assert user.sees("user") == []


def test_another_visit_sees_another_chat(bot, user):
    user.say("my own words")

    stranger = User(bot.url)
    assert stranger.sees("user") == []
    stranger.session.close()


def test_a_form_without_its_token_is_refused(user):
    user.token = "0" * 64

    assert user.say("hello").status_code == 403


def test_a_page_of_another_name_is_refused(bot):
    headers = {"Host": "rebound.example"}

    assert requests.get(bot.url, headers=headers, timeout=5).status_code == 400
