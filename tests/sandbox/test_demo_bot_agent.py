"""What an agent is seen to do besides writing: face, typing, choices, links, wait."""

import pytest

from handoff.management.demo.markup import Node, parse
from tests.sandbox.demo_bot import Bot, User
from tests.sandbox.instance import eventually

pytestmark = pytest.mark.real_http

CHOICES = [{"label": "Yes, please", "value": "yes it is"}, {"label": "No", "value": ""}]
AVATAR = "http://127.0.0.1:1/ada.png"


def shown(user: User) -> Node:
    return parse(user.html())


def buttons(user: User) -> list[tuple[str, bool]]:
    """Return each choice and whether it can be taken."""
    found = shown(user).find("button", class_="choice")
    return [(button.line, "disabled" not in button.attributes) for button in found]


def typing(user: User) -> str:
    return shown(user).find(id="typing")[0].line


@pytest.mark.parametrize(
    ("wait", "detail"),
    [
        (
            {"position": 2, "wait_seconds": 200},
            "You are number 2 · Estimated wait: about 3 minutes",
        ),
        ({"position": None, "wait_seconds": 20}, "Estimated wait: about a minute"),
        (
            {"position": 1, "wait_text": "soon", "wait_seconds": 9},
            "You are number 1 · Estimated wait: soon",
        ),
        ({"position": None, "wait_text": None}, "This may take a moment"),
    ],
)
def test_the_wait_is_shown_as_far_as_it_is_known(user, agent, wait, detail):
    agent.tell(
        "handoff.queued", state="queued", position=9, wait_text="long", text=None
    )
    agent.tell("handoff.wait_time.updated", state="queued", text=None, **wait)

    assert user.detail() == detail


def test_the_agents_face_is_at_the_head_and_at_the_messages(user, agent):
    agent.accept(avatar_url=AVATAR)
    agent.say("Hello", sender={"name": "Ada Lovelace", "avatar_url": AVATAR})

    assert [image.attributes["src"] for image in shown(user).find("img")] == [
        AVATAR
    ] * 2
    assert user.chat().status == "Ada Lovelace"


@pytest.mark.parametrize(
    "url", ["https://elsewhere.example/a.png", "javascript:alert(1)", "a.png", "", 7]
)
def test_a_face_that_the_policy_forbids_is_left_to_the_initials(user, agent, url):
    agent.accept(avatar_url=url)

    assert shown(user).find("img") == []
    assert shown(user).find(class_="avatar")[0].line == "AL"


def test_typing_is_shown_until_it_stops(user, agent):
    agent.accept()
    agent.tell("typing.started", role="agent", sender={"name": "Ada Lovelace"})
    assert typing(user) == "Ada Lovelace is typing…"

    agent.tell("typing.stopped", role="agent", sender={"name": "Ada Lovelace"})
    assert typing(user) == ""


def test_typing_without_a_name_takes_the_agents(user, agent):
    agent.accept()
    agent.tell("typing.started", role="agent", sender=None)

    assert typing(user) == "Ada Lovelace is typing…"


def test_what_was_typed_ends_the_typing(bot, user, agent):
    agent.accept()
    started = agent.event("typing.started", role="agent", sender=None)
    agent.say("Hello")
    bot.notify(started)

    assert typing(user) == ""


def test_nobody_types_after_the_end(user, agent):
    agent.accept()
    agent.tell("typing.started", role="agent", sender=None)
    agent.tell("handoff.ended", state="ended", final=True, text=None)

    assert typing(user) == ""


def test_a_choice_is_answered_by_its_label_and_value_once(user, agent, product):
    agent.accept()
    key = agent.say("Did that help?", choices=CHOICES)
    assert buttons(user) == [("Yes, please", True), ("No", True)]
    for value in ("yes it is", "No"):
        user.choose(message_id=key, value=value)

    assert eventually(lambda: user.sees("user", "delivery")[1:] == ["Sent"])
    (body,) = product.bodies(agent.messages_path)
    assert (body["text"], body["choice_value"]) == ("Yes, please", "yes it is")
    assert user.sees("user")[1:] == ["Yes, please"]
    assert buttons(user) == [("Yes, please", False), ("No", False)]
    (chosen,) = shown(user).find(class_="chosen")
    assert chosen.line == "Yes, please"


def test_choices_that_are_buttons_are_not_numbered_in_the_text_too(user, agent):
    agent.say("Did that help?\n1. Yes, please\n2. No\n3. Maybe", choices=CHOICES)

    assert user.sees("agent", "text")[-1:] == ["Did that help?\n3. Maybe"]


def test_a_choice_without_a_value_is_its_label(user, agent, product):
    key = agent.say("", choices=CHOICES)
    user.choose(message_id=key, value="No")

    assert eventually(lambda: product.bodies(agent.messages_path))
    assert product.bodies(agent.messages_path)[0]["choice_value"] == "No"


def test_a_choice_that_was_not_offered_is_not_taken(user, agent, product):
    key = agent.say("Did that help?", choices=CHOICES)
    user.choose(message_id=key, value="maybe")

    assert user.choose(message_id="other", value="No").status_code == 404
    assert user.sees("user") == ["agent"]
    assert buttons(user) == [("Yes, please", True), ("No", True)]


def test_choices_rest_after_the_end(user, agent):
    key = agent.say("Did that help?", choices=CHOICES)
    agent.tell("handoff.ended", state="ended", final=True, text=None)
    user.choose(message_id=key, value="No")

    assert buttons(user) == [("Yes, please", False), ("No", False)]
    assert user.sees("user") == ["agent"]


def test_a_strangers_choice_is_not_found(bot, user, agent):
    key = agent.say("Did that help?", choices=CHOICES)
    stranger = User(bot.url)

    assert stranger.choose(message_id=key, value="No").status_code == 404
    stranger.session.close()


def test_links_are_listed_unless_they_would_run_something(user, agent):
    agent.say(
        "Read this",
        links=[
            {"label": "Our terms", "url": "https://shop.example/terms"},
            {"url": "https://shop.example/help"},
            {"label": "Prize", "url": "javascript:alert(1)"},
        ],
    )

    found = shown(user).find("a", class_="link")
    assert [(link.line, link.attributes["href"]) for link in found] == [
        ("Our terms", "https://shop.example/terms"),
        ("https://shop.example/help", "https://shop.example/help"),
    ]


def test_extras_of_an_unknown_shape_leave_the_text(user, agent):
    agent.say("Hello", attachments=[None], links="none", choices=[{"label": 1}])

    assert user.sees("agent") == ["Hello"]
    assert buttons(user) == []


def test_a_reason_is_shown_at_the_message_that_failed(user, agent):
    user.say("hello?", id="6e2b5d0c-7c33-4d53-a3e5-8f4ac0d0a7a1")
    agent.tell(
        "message.failed", id="6e2b5d0c-7c33-4d53-a3e5-8f4ac0d0a7a1", reason="Too long."
    )

    (reason,) = shown(user).find(class_="reason")
    assert reason.line == "Too long."


def test_two_bots_of_one_host_keep_their_chats_apart(tmp_path, bot, user):
    (tmp_path / "second").mkdir()
    second = Bot(data=tmp_path / "second", product_port=1, name="Bot with Agent Chat")
    user.say("my own words")
    page = parse(user.session.get(second.url, timeout=5).text)
    second.end()

    assert page.find(id="bot-name")[0].line == "Bot with Agent Chat"
    assert page.find("title")[0].line == "Bot with Agent Chat"
    assert user.sees("user") == ["my own words"]
