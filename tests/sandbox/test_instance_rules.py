"""The two business rules, run for real: what they send and what they keep."""

import json

import pytest
from calmjs.parse import es5
from standardwebhooks import Webhook

from tests.sandbox.instance import (
    ADMIN,
    AGENT,
    BOT,
    CALLBACK_KEY,
    RULES,
    Instance,
    eventually,
)
from tests.sandbox.receiver import Received, Receiver

pytestmark = pytest.mark.real_http


@pytest.fixture(scope="module")
def ruled(sandbox_instance: Instance, receiver: Receiver) -> Instance:
    """The instance with everything that an administrator installs."""
    sandbox_instance.install_callbacks(endpoint=receiver.url)
    return sandbox_instance


def verify(call: Received) -> None:
    """Check the signature with an implementation that is not ours."""
    Webhook(CALLBACK_KEY).verify(call.raw, call.headers)


@pytest.mark.parametrize("name", ["live_message", "chat_queue_entry"])
def test_a_script_is_es5(name):
    source = (RULES / f"{name}.js").read_text(encoding="utf-8")

    assert es5(source).children()


def test_an_agents_message_is_sent_signed_and_as_it_was_written(ruled, receiver):
    text = '"Quotes", lines\nand more\n, <b>, $1 ${x}, ünïcode 漢字 👩🏽‍💻 \\ \x7f end'
    group = ruled.start()["group"]
    entry = ruled.accept()
    message = ruled.say(group, text, auth=AGENT)

    calls = eventually(lambda: receiver.about(group, event="message")[1:])
    greeting = receiver.about(group, event="message")[0].body["sys_id"]

    verify(calls[0])
    assert calls[0].headers["webhook-id"] == message["sys_id"]
    assert calls[0].headers["content-type"] == "application/json"
    body = calls[0].body
    assert body.pop("sys_created_on")
    assert body == {
        "event": "message",
        "instance": "sandbox",
        "group": group,
        "sys_id": message["sys_id"],
        "message": text,
        "formatted_message": text,
        "sys_created_by": "agent",
        "sender_name": "Live Agent",
        "last_message": "true",
        "follows": greeting,
    }
    assert entry["group"] == group
    ruled.act(group, "close", auth=AGENT)


def test_a_message_tells_what_was_written_before_it_and_not_by_us(ruled, receiver):
    """What of that the other side does not know of was overtaken on the way."""
    group = ruled.start()["group"]
    ruled.accept()
    first = ruled.say(group, "first", auth=AGENT)
    ruled.say(group, "from the user", auth=BOT)
    ruled.post(
        f"/api/now/connect/conversations/{group}/messages",
        auth=AGENT,
        message="noted",
        reflected_field="work_notes",
    )
    ruled.say(group, "second", auth=AGENT)

    calls = eventually(lambda: receiver.about(group, event="message")[2:])

    greeting = receiver.about(group, event="message")[0].body["sys_id"]
    follows = calls[0].body["follows"].split(",")
    assert sorted(follows) == sorted([greeting, first["sys_id"]])
    ruled.act(group, "close", auth=AGENT)


def test_the_body_is_ascii_without_a_dollar(ruled, receiver):
    group = ruled.start()["group"]
    ruled.accept()
    ruled.say(group, "5 € or 6 $", auth=AGENT)

    raw = eventually(lambda: receiver.about(group, event="message")[1:])[0].raw

    assert raw.isascii()
    assert b"$" not in raw
    assert json.loads(raw)["message"] == "5 € or 6 $"
    ruled.act(group, "close", auth=AGENT)


def test_each_change_of_a_chats_state_is_sent(ruled, receiver):
    group = ruled.start()["group"]
    ruled.settle()
    entry = ruled.accept()
    ruled.settle()
    ruled.act(group, "close", auth=AGENT)
    ruled.settle()

    calls = receiver.about(group, event="state")

    for call in calls:
        verify(call)
    assert [call.body["state"] for call in calls] == ["1", "2", "3"]
    accepted = calls[1].body
    assert accepted.pop("sys_updated_on")
    assert accepted == {
        "event": "state",
        "instance": "sandbox",
        "group": group,
        "sys_id": entry["sys_id"],
        "number": entry["number"],
        "state": "2",
        "queue": entry["queue"],
        "assigned_to": entry["assigned_to"],
        "assigned_to_name": "Live Agent",
        "sys_mod_count": "1",
    }
    ids = [call.headers["webhook-id"] for call in calls]
    assert ids == [f"{entry['sys_id']}-{count}" for count in range(3)]


def test_the_end_comes_with_the_systems_words_before_it(ruled, receiver):
    group = ruled.start()["group"]
    ruled.accept()
    ruled.settle()
    ruled.act(group, "close", auth=AGENT)
    ruled.settle()

    mine = [call.body for call in receiver.received if call.body["group"] == group]

    assert [body["event"] for body in mine[-2:]] == ["message", "state"]
    assert mine[-2]["message"] == "Live Agent has closed the support session"
    assert mine[-2]["sys_created_by"] == "system"


def test_a_change_of_something_else_is_not_sent(ruled, receiver):
    entry = ruled.start()
    ruled.settle()
    before = len(receiver.received)

    ruled.patch("chat_queue_entry", entry["sys_id"], work_notes="A note")
    ruled.settle()

    assert len(receiver.received) == before


def test_other_peoples_chats_never_leave_the_instance(ruled, receiver):
    before = len(receiver.received)
    theirs = ruled.start("A secret of somebody else", auth=ADMIN)
    ruled.say(theirs["group"], "More of it", auth=ADMIN)
    for kind in ("peer", "feed", "support"):
        group = ruled.create("live_group_profile", type=kind, name="Colleagues")
        ruled.create("live_message", group=group["sys_id"], message="Between us")
    ruled.create("live_message", group="", message="A public feed message")
    ruled.settle()

    assert len(receiver.received) == before


def test_what_is_internal_or_our_own_is_not_sent(ruled, receiver):
    group = ruled.start("Our own question")["group"]
    ruled.say(group, "Our own words", auth=BOT)
    ruled.create("live_message", group=group, message="A note", internal=True)
    ruled.settle()

    assert receiver.about(group, event="message") == []


def test_a_clone_of_the_instance_stays_silent(ruled, receiver):
    query = "name=instance_name"
    name = ruled.table("sys_properties", sysparm_query=query)[0]["sys_id"]
    ruled.patch("sys_properties", name, value="clone")
    before = len(receiver.received)

    group = ruled.start()["group"]
    ruled.create("live_message", group=group, message="From the clone")
    ruled.settle()

    assert len(receiver.received) == before
    ruled.patch("sys_properties", name, value="sandbox")


def test_a_callback_that_fails_is_logged_by_its_status_alone(ruled, receiver):
    receiver.status = 503
    group = ruled.start()["group"]
    ruled.create("live_message", group=group, message="canary in a text")
    ruled.settle()
    receiver.status = 202

    logged = [row["message"] for row in ruled.table("syslog")]

    assert "handoff: the callback answered 503" in logged
    assert "canary" not in str(logged)
    assert CALLBACK_KEY not in str(logged)
