import json
import re
import socket
import subprocess
import sys
import uuid

import pytest
import requests

from tests.sandbox.demo_bot import (
    API_KEY,
    SECRET,
    Agent,
    Bot,
    FakeProduct,
    User,
    eventually,
    signed,
)

pytestmark = pytest.mark.real_http

AS_WRITTEN = 'a "quote"\n\n  two lines, \U0001f600 <b>bold</b> &amp; $1 \\n'
CLOSED = (409, {"code": "handoff_closed"})


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    product = FakeProduct()
    bot = Bot(
        data=tmp_path_factory.mktemp("demo_bot"),
        product_port=product.server.server_port,
    )
    bot.set_up()
    yield bot, product
    bot.end()
    product.close()


@pytest.fixture
def bot(running):
    return running[0]


@pytest.fixture
def product(running):
    running[1].calls.clear()
    return running[1]


@pytest.fixture
def user(bot):
    user = User(bot.url)
    yield user
    user.session.close()


@pytest.fixture
def agent(bot, product, user):
    """The user has asked for a person, and the product knows."""
    user.say("agent")
    assert eventually(lambda: user.sees("user", "delivery") == ["Sent"])
    return Agent(bot=bot, start=product.calls[0].body)


def messages_path(agent):
    return f"/api/v1/handoffs/handoff-{agent.start['id']}/messages"


# The scripted bot


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


# Handing over


def test_asking_for_a_person_starts_a_handoff(user, product):
    user.say("hello")
    user.say("May I talk to a human?")

    call = eventually(lambda: product.calls)[0]
    assert call.path == "/api/v1/handoffs"
    assert call.authorization == f"Bearer {API_KEY}"
    assert call.body["message"] == "May I talk to a human?"
    said = [(line["role"], line["text"]) for line in call.body["transcript"]]
    assert [role for role, _ in said] == ["bot", "user", "bot"]
    assert said[1] == ("user", "hello")
    assert user.chat().status == "Waiting for an agent"


def test_the_place_in_the_queue_is_shown(user, agent):
    texts = {"text": "Please hold.", "wait_seconds": 60, "wait_text": "one minute"}
    agent.tell("handoff.queued", state="queued", position=3, **texts)

    page = user.session.get(f"{user.url}/chat", timeout=5).text
    assert "You are number 3 · one minute" in page
    assert user.sees("system") == ["Please hold."]


def test_messages_go_to_the_agent_in_order_under_their_own_ids(user, agent, product):
    ids = [str(uuid.uuid4()) for _ in range(5)]
    for number, own_id in enumerate(ids):
        user.say(f"{AS_WRITTEN}{number}", id=own_id)

    path = messages_path(agent)
    assert eventually(lambda: len(product.bodies(path)) == 5)
    sent = [(body["id"], body["text"]) for body in product.bodies(path)]
    assert sent == [(own_id, f"{AS_WRITTEN}{n}") for n, own_id in enumerate(ids)]


def test_an_agents_message_is_displayed_with_the_name(bot, user, agent):
    agent.accept()
    bot.notify(agent.message(AS_WRITTEN))

    assert user.sees("agent") == [AS_WRITTEN]
    assert user.sees("agent", "author") == ["Ada Lovelace"]
    assert user.sees("system") == ["You are now talking to Ada Lovelace."]
    assert user.chat().status == "Ada Lovelace"


def test_a_text_that_says_nothing_is_not_shown(user, agent):
    agent.tell("handoff.queued", state="queued", position=None, text=None)

    assert user.sees("system") == []


def test_the_bots_own_words_never_reach_the_agent(user, agent, product):
    agent.accept()
    user.say("help")

    assert eventually(lambda: product.bodies(messages_path(agent)))
    assert [call.body.get("text") for call in product.calls[1:]] == ["help"]
    assert user.sees("bot")[-1] == "Of course. I am getting a person for you."


# Webhooks


def test_events_that_overtook_one_another_are_shown_in_order(bot, user, agent):
    agent.accept()
    first, second, third = (agent.message(text) for text in ("one", "two", "three"))
    for late in (third, first, second):
        bot.notify(late)

    assert user.sees("agent") == ["one", "two", "three"]


def test_an_overtaken_event_does_not_turn_the_state_back(bot, user, agent):
    late = agent.event("handoff.queued", state="queued", position=1, text=None)
    agent.accept()
    bot.notify(late)

    assert user.chat().status == "Ada Lovelace"


def test_a_repeated_webhook_is_shown_once(bot, user, agent):
    event = agent.message("once")
    answers = [bot.notify(event, webhook_id="evt_1").status_code for _ in range(2)]

    assert answers == [204, 204]
    assert user.sees("agent") == ["once"]


def test_an_unknown_event_is_taken_and_ignored(bot, user, agent):
    before = user.sees("system")

    assert bot.notify(agent.event("handoff_v2.sung", text="la")).status_code == 204
    assert bot.notify({"type": "webhook.disabled"}).status_code == 204
    assert user.sees("system") == before


@pytest.mark.parametrize("event", [[], {}, {"type": "x", "sequence": "one"}])
def test_a_signed_body_that_is_no_event_is_named(bot, event):
    answer = bot.notify(event)

    assert (answer.status_code, answer.json()["code"]) == (400, "malformed")


@pytest.mark.parametrize(
    "change",
    [
        {"webhook-signature": "v1,AAAA"},
        {"webhook-signature": "v1,not base64"},
        {"webhook-signature": "v1"},
        {"webhook-id": "another"},
        {"webhook-timestamp": "1"},
        {"webhook-timestamp": "now"},
    ],
)
def test_a_webhook_with_a_wrong_signature_is_refused(bot, user, agent, change):
    body = json.dumps(agent.message("forged"))
    headers = signed(body, webhook_id="evt_forged") | change
    answer = requests.post(f"{bot.url}/webhook", body, headers=headers, timeout=5)

    assert answer.status_code == 401
    assert user.sees("agent") == []


@pytest.mark.parametrize("body", [b"\xff\xfe", b"{}", b""])
def test_a_webhook_without_a_signature_is_refused(bot, body):
    assert requests.post(f"{bot.url}/webhook", body, timeout=5).status_code == 401


def test_a_delivery_is_shown_at_the_message(bot, user, agent):
    own_ids = [str(uuid.uuid4()) for _ in range(2)]
    for own_id in own_ids:
        user.say("hello?", id=own_id)
    agent.tell("message.delivered", message_id="m1", id=own_ids[0])
    agent.tell("message.failed", message_id="m2", id=own_ids[1], reason="rejected")

    assert user.sees("user", "delivery")[1:] == ["Delivered", "Not delivered"]


# The end


@pytest.mark.parametrize(
    ("kind", "state"), [("handoff.ended", "ended"), ("handoff.failed", "failed")]
)
def test_the_bot_resumes_after_the_end(user, agent, product, kind, state):
    agent.tell(kind, state=state, reason="completed", final=True, text="Goodbye.")
    user.say("help")

    *_, back, answer = user.sees("bot")
    assert user.sees("system") == ["Goodbye."]
    assert back.startswith("I'm back.")
    assert "opening hours" in answer
    assert user.chat().status == "Bot"
    assert product.bodies(messages_path(agent)) == []


def test_a_last_message_that_comes_late_stands_before_the_end(bot, user, agent):
    last = agent.message("Bye!")
    agent.tell("handoff.ended", state="ended", final=True, text="The chat has ended.")
    bot.notify(last)

    texts = [line.parts["text"] for line in user.chat().lines[-3:]]
    assert texts[:2] == ["Bye!", "The chat has ended."]
    assert texts[2].startswith("I'm back.")


def test_the_user_can_end_the_chat_once(user, agent, product):
    agent.accept()
    user.end()
    user.end()

    path = f"/api/v1/handoffs/handoff-{agent.start['id']}/end"
    assert eventually(lambda: product.bodies(path)) == [{"reason": "user_left"}]
    assert "End chat" not in user.session.get(f"{user.url}/chat", timeout=5).text


def test_a_message_after_the_end_goes_to_the_bot(user, agent, product):
    product.next_answers = [CLOSED]
    user.say("help")

    assert eventually(lambda: "opening hours" in user.sees("bot")[-1])
    assert user.sees("user", "delivery") == ["Sent", ""]
    assert user.chat().status == "Bot"


def test_a_refused_start_is_said_and_the_bot_resumes(user, product):
    product.next_answers = [(409, {"code": "authorization_required"})]
    user.say("agent")

    assert eventually(lambda: user.sees("bot")[-1].startswith("I'm back."))
    assert "cannot reach a person" in user.sees("bot")[-2]


def test_a_refused_message_is_marked(user, agent, product):
    product.next_answers = [(422, {"code": "invalid"})]
    user.say("unwanted")

    assert eventually(lambda: user.sees("user", "delivery")[-1] == "Not delivered")
    assert user.chat().status == "Waiting for an agent"


# The product is away


@pytest.mark.parametrize(
    "answer", [(503, {"code": "unavailable"}), (401, {"code": "unauthorized"})]
)
def test_a_message_is_sent_again_under_its_id_and_in_order(
    user, agent, product, answer
):
    product.next_answers = [answer]
    user.say("first")
    user.say("second")
    assert "sending…" in user.sees("user", "delivery")

    assert eventually(lambda: user.sees("user", "delivery")[1:] == ["Sent", "Sent"])
    calls = product.bodies(messages_path(agent))
    assert [body["text"] for body in calls] == ["first", "first", "second"]
    assert calls[0] == calls[1]


def test_a_conversation_that_is_with_an_agent_already_goes_on_there(user, product):
    product.next_answers = [(200, {"id": "handoff-before", "message_sent": False})]
    user.say("agent, please")

    path = "/api/v1/handoffs/handoff-before/messages"
    assert eventually(lambda: product.bodies(path))[0]["text"] == "agent, please"


def test_a_waiting_message_outlives_the_bots_process(tmp_path):
    product = FakeProduct()
    port = product.server.server_port
    product.close()
    bot = Bot(data=tmp_path, product_port=port)
    bot.set_up()
    user = User(bot.url)
    user.say("agent")
    user.say("still there?")
    assert user.sees("user", "delivery") == ["sending…", "sending…"]
    bot.end(by_force=True)

    product = FakeProduct(port=port)
    bot = Bot(data=tmp_path, product_port=port)
    user.url = bot.url
    assert eventually(lambda: user.sees("user", "delivery") == ["Sent", "Sent"])
    assert [call.body.get("text") for call in product.calls] == [None, "still there?"]
    user.session.close()
    bot.end()
    product.close()


# Setting up, starting and stopping


def test_the_secrets_are_neither_shown_nor_logged(tmp_path):
    bot = Bot(data=tmp_path, product_port=1)
    bot.set_up()
    user = User(bot.url)
    user.say("agent")
    shown = user.page + requests.get(f"{bot.url}/healthz", timeout=5).text
    user.session.close()
    shown += bot.end()

    assert API_KEY not in shown
    assert SECRET not in shown


def test_before_the_setup_a_webhook_is_to_come_again(tmp_path):
    bot = Bot(data=tmp_path, product_port=1)
    answer = bot.notify({"type": "handoff.queued"})
    bot.end()

    assert (answer.status_code, answer.json()["code"]) == (503, "not_set_up")


@pytest.mark.parametrize(
    ("content_type", "body", "status"),
    [
        ("text/plain", json.dumps({"api_key": "a", "webhook_secret": SECRET}), 415),
        ("application/json", "{", 400),
        ("application/json", "[]", 400),
        ("application/json", json.dumps({"api_key": "a"}), 400),
        ("application/json", json.dumps({"api_key": "a", "webhook_secret": "é"}), 400),
        (
            "application/json",
            json.dumps({"api_key": "é", "webhook_secret": SECRET}),
            400,
        ),
    ],
)
def test_a_setup_that_is_not_one_is_refused(bot, content_type, body, status):
    headers = {"Content-Type": content_type}
    answer = requests.post(
        f"{bot.url}/setup", body.encode(), headers=headers, timeout=5
    )

    assert answer.status_code == status


def test_a_page_of_another_name_is_refused(bot):
    headers = {"Host": "rebound.example"}

    assert requests.get(bot.url, headers=headers, timeout=5).status_code == 400


def test_it_ends_promptly_when_asked_to(tmp_path):
    bot = Bot(data=tmp_path, product_port=1)
    bot.end()

    assert bot.process.returncode == 0


def test_a_taken_port_is_named(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        options = [
            "--port",
            str(port),
            "--data",
            str(tmp_path),
            "--product",
            "http://x",
        ]
        command = [sys.executable, "-m", "handoff.sandbox.demo_bot", *options]
        done = subprocess.run(command, capture_output=True, text=True, check=False)

    assert done.returncode == 1
    assert f"127.0.0.1:{port}: Address already in use" in done.stderr
