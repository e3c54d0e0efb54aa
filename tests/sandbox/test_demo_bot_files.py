"""Files in the demo bot's chat: the user's on their way out, and the agent's."""

import uuid

import pytest
import requests

from handoff.management.demo.markup import Node, parse
from tests.sandbox.demo_bot import Bot, User
from tests.sandbox.demo_bot_product import PNG, UPLOADS, FakeProduct, Upload
from tests.sandbox.instance import eventually

pytestmark = pytest.mark.real_http

MEGABYTE = 1024 * 1024
REFUSAL = {"code": "attachment_refused", "detail": "Files of this type are not taken."}


def shown(user: User) -> Node:
    return parse(user.html())


def test_a_file_without_words_reaches_the_agent(user, agent, product):
    own_id = str(uuid.uuid4())
    user.attach(PNG, id=own_id)

    assert eventually(lambda: user.sees("user", "delivery")[1:] == ["Sent"])
    assert product.uploads() == [
        Upload(name="photo.png", content_type="image/png", content=PNG)
    ]
    (body,) = product.bodies(agent.messages_path)
    assert body["attachments"] == ["attachment-of-photo.png"]
    assert body["id"] == own_id
    assert "text" not in body


def test_a_file_keeps_its_place_among_the_messages(user, agent, product):
    user.say("before")
    assert eventually(lambda: user.sees("user", "delivery")[1:] == ["Sent"])
    product.next_answers = [(503, {"code": "unavailable"})]
    user.attach(b"a,b\n", name="ça va.csv", text="here it is")
    user.say("after")

    assert eventually(lambda: user.sees("user", "delivery")[1:] == ["Sent"] * 3)
    bodies = product.bodies(agent.messages_path)
    assert [body["text"] for body in bodies] == ["before", "here it is", "after"]
    assert bodies[1]["attachments"] == ["attachment-of-ça va.csv"]
    assert [upload.content for upload in product.uploads()] == [b"a,b\n"] * 2


def test_a_file_outlives_the_bots_process(tmp_path):
    product = FakeProduct()
    port = product.server.server_port
    bot = Bot(data=tmp_path, product_port=port)
    bot.set_up()
    user = User(bot.url)
    user.say("agent")
    assert eventually(lambda: user.sees("user", "delivery") == ["Sent"])
    product.close()
    user.attach(PNG)
    bot.end(by_force=True)

    product = FakeProduct(port=port)
    bot = Bot(data=tmp_path, product_port=port)
    user.url = bot.url
    assert eventually(lambda: user.sees("user", "delivery") == ["Sent", "Sent"])
    assert [upload.content for upload in product.uploads()] == [PNG]
    user.session.close()
    bot.end()
    product.close()


@pytest.mark.parametrize("status", [413, 422])
def test_a_refused_file_marks_its_message_with_the_reason(user, agent, product, status):
    product.next_answers = [(status, REFUSAL)]
    user.attach(PNG, text="look")
    user.say("next")

    assert eventually(
        lambda: user.sees("user", "delivery")[1:] == ["Not delivered", "Sent"]
    )
    (reason,) = shown(user).find(class_="reason")
    assert reason.line == REFUSAL["detail"]
    assert [body["text"] for body in product.bodies(agent.messages_path)] == ["next"]


def test_an_upload_door_that_is_missing_does_not_end_the_handoff(user, agent, product):
    product.next_answers = [(404, {"code": "not_found"})]
    user.attach(PNG)

    assert eventually(lambda: user.sees("user", "delivery")[-1] == "Not delivered")
    assert user.chat().status == "Waiting for an agent"


def test_a_file_sent_with_the_wish_for_a_person_follows_the_start(user, product):
    once = str(uuid.uuid4())
    for _ in range(2):
        user.attach(PNG, text="Show this to an agent", id=once)

    assert eventually(lambda: user.sees("user", "delivery") == ["Sent", "Sent"])
    start, upload, message = product.calls
    assert start.body["message"] == "Show this to an agent"
    assert upload.path == UPLOADS
    assert message.body["attachments"] == ["attachment-of-photo.png"]


def test_the_bot_itself_takes_no_files_but_tells_of_them(user, product):
    user.attach(PNG, name="broken.png")
    assert "cannot look into files" in user.sees("bot")[-1]
    user.say("agent")

    start = eventually(lambda: product.calls)[0].body
    assert [line["text"] for line in start["transcript"]][1] == "broken.png"


def test_a_file_after_the_end_goes_to_the_bot(user, agent, product):
    product.next_answers = [(201, {"id": "a1"}), (409, {"code": "handoff_closed"})]
    user.attach(PNG)

    assert eventually(lambda: "cannot look into files" in user.sees("bot")[-1])


@pytest.mark.parametrize(
    ("content", "notice"),
    [(b"x" * (10 * MEGABYTE + 1), "10 MB"), (b"", "empty")],
)
def test_a_file_that_cannot_be_taken_is_explained(user, content, notice):
    answer = user.attach(content, text="my words")

    assert answer.status_code == 400
    page = parse(answer.text)
    assert notice in page.find(id="notice")[0].line
    assert page.find("textarea")[0].line == "my words"
    assert user.sees("user") == []


def test_a_file_of_ten_megabytes_is_taken(user):
    assert user.attach(b"x" * (10 * MEGABYTE), name="big.bin").ok
    (link,) = shown(user).find("a", class_="file")
    assert link.line == "big.bin 10.0 MB"


def test_the_users_picture_is_shown_to_the_user_alone(bot, user):
    user.attach(PNG)
    (picture,) = shown(user).find("img")
    address = bot.url + picture.attributes["src"]

    answer = user.session.get(address, timeout=5)
    assert (answer.content, answer.headers["Content-Type"]) == (PNG, "image/png")
    assert picture.attributes["alt"] == "photo.png"
    assert requests.get(address, timeout=5).status_code == 404


@pytest.mark.parametrize("name", ["page.html", "no-picture.png", "image.svg"])
def test_what_is_no_picture_is_only_downloaded(bot, user, name):
    user.attach(b"<script>alert(1)</script>", name=name)
    (link,) = shown(user).find("a", class_="file")

    answer = user.session.get(bot.url + link.attributes["href"], timeout=5)
    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_an_agents_picture_is_shown_in_the_chat(user, agent, product):
    url = f"{product.url}/photo.png"
    file = {"file_name": "photo.png", "content_type": "image/png", "url": url}
    agent.say("", attachments=[file])

    (picture,) = shown(user).find("img")
    assert picture.attributes == {"src": url, "alt": "photo.png"}
    policy = requests.get(user.url, timeout=5).headers["Content-Security-Policy"]
    assert product.url in policy


def test_an_agents_other_file_is_a_link(user, agent, product):
    url = f"{product.url}/terms.pdf"
    agent.say(
        "The terms",
        attachments=[
            {
                "file_name": "terms.pdf",
                "content_type": "application/pdf",
                "url": url,
                "size": 2048,
            }
        ],
    )

    (link,) = shown(user).find("a", class_="file")
    assert (link.attributes["href"], link.line) == (url, "terms.pdf 2.0 KB")


@pytest.mark.parametrize(
    ("told", "text"),
    [
        ({"error": "It is larger than 10 MB."}, "a.png: It is larger than 10 MB."),
        ({"url": "javascript:alert(1)"}, "a.png: cannot be shown"),
        ({"url": "http://[broken"}, "a.png: cannot be shown"),
    ],
)
def test_an_agents_file_that_did_not_come_is_told(user, agent, told, text):
    file = {"file_name": "a.png", "content_type": "image/png", "url": None}
    agent.say("Here", attachments=[file | told])

    (lost,) = shown(user).find(class_="lost-file")
    assert lost.line == text
    assert shown(user).find("img") == []


def test_a_picture_from_elsewhere_is_a_link(user, agent):
    url = "https://elsewhere.example/a.png"
    file = {"file_name": "a.png", "content_type": "image/png", "url": url}
    agent.say("Here", attachments=[file])

    (link,) = shown(user).find("a", class_="file")
    assert link.attributes["href"] == url
    assert shown(user).find("img") == []
