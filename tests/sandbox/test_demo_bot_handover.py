"""A conversation of the demo bot's with an agent, from asking for one to the end."""

import uuid

import pytest

from tests.sandbox.demo_bot import API_KEY, AS_WRITTEN
from tests.sandbox.instance import eventually

pytestmark = pytest.mark.real_http

CLOSED = (409, {"code": "handoff_closed"})


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
    assert "You are number 3 · Estimated wait: one minute" in page
    assert user.sees("system") == ["Please hold."]


def test_messages_go_to_the_agent_in_order_under_their_own_ids(user, agent, product):
    ids = [str(uuid.uuid4()) for _ in range(5)]
    for number, own_id in enumerate(ids):
        user.say(f"{AS_WRITTEN}{number}", id=own_id)

    path = agent.messages_path
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


def test_an_agent_who_came_without_a_name_is_known_by_the_first_message(
    bot, user, agent
):
    agent.tell("handoff.accepted", agent=None, text=None)
    assert user.chat().status == "Agent"

    bot.notify(agent.message(AS_WRITTEN))

    assert user.chat().status == "Ada Lovelace"


def test_a_text_that_says_nothing_is_not_shown(user, agent):
    agent.tell("handoff.queued", state="queued", position=None, text=None)

    assert user.sees("system") == []


def test_the_bots_own_words_never_reach_the_agent(user, agent, product):
    agent.accept()
    user.say("help")

    assert eventually(lambda: product.bodies(agent.messages_path))
    assert [call.body.get("text") for call in product.calls[1:]] == ["help"]
    assert user.sees("bot")[-1] == "Of course. I am getting a person for you."


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
    assert product.bodies(agent.messages_path) == []


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


@pytest.mark.parametrize(
    ("status", "code"), [(409, "authorization_required"), (429, "handoff_loop")]
)
def test_a_refused_start_is_said_and_the_bot_resumes(user, product, status, code):
    product.next_answers = [(status, {"code": code})]
    user.say("agent")

    assert eventually(lambda: user.sees("bot")[-1].startswith("I'm back."))
    assert "cannot reach a person" in user.sees("bot")[-2]


def test_a_refused_message_is_marked(user, agent, product):
    product.next_answers = [(422, {"code": "invalid"})]
    user.say("unwanted")

    assert eventually(lambda: user.sees("user", "delivery")[-1] == "Not delivered")
    assert user.chat().status == "Waiting for an agent"


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
    calls = product.bodies(agent.messages_path)
    assert [body["text"] for body in calls] == ["first", "first", "second"]
    assert calls[0] == calls[1]


def test_a_conversation_that_is_with_an_agent_already_goes_on_there(user, product):
    product.next_answers = [(200, {"id": "handoff-before", "message_sent": False})]
    user.say("agent, please")

    path = "/api/v1/handoffs/handoff-before/messages"
    assert eventually(lambda: product.bodies(path))[0]["text"] == "agent, please"
