"""The two business rules, run for real: what they send and what they keep."""

import base64
import json
from collections.abc import Iterator

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


@pytest.fixture
def probe(sandbox_instance: Instance) -> Iterator[Instance]:
    """The instance, on which a test puts a rule of its own that goes afterwards."""
    before = {row["sys_id"] for row in sandbox_instance.table("sys_script")}
    yield sandbox_instance
    for row in sandbox_instance.table("sys_script"):
        if row["sys_id"] not in before:
            path = f"/api/now/table/sys_script/{row['sys_id']}"
            sandbox_instance.call("DELETE", path, auth=ADMIN)


def verify(call: Received) -> None:
    """Check the signature with an implementation that is not ours."""
    Webhook(CALLBACK_KEY).verify(call.raw, call.headers)


def settle(instance: Instance) -> None:
    """Wait until the rules have run for all that was written before."""
    marker = instance.create("syslog", message="marker")["sys_id"]
    rule = instance.create(
        "sys_script",
        collection="syslog",
        when="async",
        action_update=True,
        script=f"gs.info('settled {marker}');",
    )
    instance.patch("syslog", marker, level="1")
    query = f"message=settled {marker}"
    assert eventually(lambda: instance.table("syslog", sysparm_query=query))
    path = f"/api/now/table/sys_script/{rule['sys_id']}"
    instance.call("DELETE", path, auth=ADMIN)


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
    }
    assert entry["group"] == group
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
    settle(ruled)
    entry = ruled.accept()
    settle(ruled)
    ruled.act(group, "close", auth=AGENT)
    settle(ruled)

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
    settle(ruled)
    ruled.act(group, "close", auth=AGENT)
    settle(ruled)

    mine = [call.body for call in receiver.received if call.body["group"] == group]

    assert [body["event"] for body in mine[-2:]] == ["message", "state"]
    assert mine[-2]["message"] == "Live Agent has closed the support session"
    assert mine[-2]["sys_created_by"] == "system"


def test_a_change_of_something_else_is_not_sent(ruled, receiver):
    entry = ruled.start()
    settle(ruled)
    before = len(receiver.received)

    ruled.patch("chat_queue_entry", entry["sys_id"], work_notes="A note")
    settle(ruled)

    assert len(receiver.received) == before


def test_other_peoples_chats_never_leave_the_instance(ruled, receiver):
    before = len(receiver.received)
    theirs = ruled.start("A secret of somebody else", auth=ADMIN)
    ruled.say(theirs["group"], "More of it", auth=ADMIN)
    for kind in ("peer", "feed", "support"):
        group = ruled.create("live_group_profile", type=kind, name="Colleagues")
        ruled.create("live_message", group=group["sys_id"], message="Between us")
    ruled.create("live_message", group="", message="A public feed message")
    settle(ruled)

    assert len(receiver.received) == before


def test_what_is_internal_or_our_own_is_not_sent(ruled, receiver):
    group = ruled.start("Our own question")["group"]
    ruled.say(group, "Our own words", auth=BOT)
    ruled.create("live_message", group=group, message="A note", internal=True)
    settle(ruled)

    assert receiver.about(group, event="message") == []


def test_a_clone_of_the_instance_stays_silent(ruled, receiver):
    query = "name=instance_name"
    name = ruled.table("sys_properties", sysparm_query=query)[0]["sys_id"]
    ruled.patch("sys_properties", name, value="clone")
    before = len(receiver.received)

    group = ruled.start()["group"]
    ruled.create("live_message", group=group, message="From the clone")
    settle(ruled)

    assert len(receiver.received) == before
    ruled.patch("sys_properties", name, value="sandbox")


def test_a_callback_that_fails_is_logged_by_its_status_alone(ruled, receiver):
    receiver.status = 503
    group = ruled.start()["group"]
    ruled.create("live_message", group=group, message="canary in a text")
    settle(ruled)
    receiver.status = 202

    logged = [row["message"] for row in ruled.table("syslog")]

    assert "handoff: the callback answered 503" in logged
    assert "canary" not in str(logged)
    assert CALLBACK_KEY not in str(logged)


def test_a_broken_script_breaks_no_insert_and_is_logged(probe):
    for when in ("after", "async"):
        probe.create(
            "sys_script",
            name=f"Broken {when}",
            collection="live_link",
            when=when,
            action_insert=True,
            script="current.no_such_thing.fails();",
        )

    made = probe.create("live_link", url="http://127.0.0.1/")

    assert made["sys_id"]
    settle(probe)
    broken = [row for row in probe.table("syslog") if row["level"] == "error"]
    assert {row["source"] for row in broken} >= {"Broken after", "Broken async"}


def test_a_rule_sees_the_platform_and_not_this_machine(probe):
    probe.create(
        "sys_script",
        collection="live_link",
        when="after",
        action_insert=True,
        condition="current.url == 'x'",
        script="""
            gs.info([typeof process, typeof require, typeof call_python].join());
            gs.info(current.url + '|' + current.getValue('short_description') + '|' +
                    current.isValidRecord() + '|' + current.no_such_column + '|' +
                    gs.getUserName() + '|' + gs.base64Encode('ü'));
            var users = new GlideRecord('sys_user');
            users.addQuery('user_name', 'IN', 'admin,agent');
            users.orderByDesc('user_name');
            users.query();
            var names = [];
            while (users.next()) {
                names.push(users.user_name + '=' + users.getDisplayValue());
            }
            gs.info(names.join());
        """,
    )

    probe.create("live_link", url="y")
    probe.create("live_link", url="x")

    lines = [row["message"] for row in probe.table("syslog") if row["level"] == "info"]
    encoded = base64.b64encode("ü".encode()).decode()
    assert lines[-3:] == [
        "undefined,undefined,undefined",
        f"x|null|true|undefined|admin|{encoded}",
        "agent=Live Agent,admin=System Administrator",
    ]


def test_an_after_rule_knows_what_changed(probe):
    probe.create(
        "sys_script",
        collection="live_link",
        when="after",
        action_update=True,
        filter_condition="urlVALCHANGES",
        script="gs.info(previous.url + '>' + current.url + ' ' + current.url.changes()"
        " + current.short_description.changes());",
    )
    link = probe.create("live_link", url="old")["sys_id"]

    probe.patch("live_link", link, short_description="not the url")
    probe.patch("live_link", link, url="new")

    lines = [row["message"] for row in probe.table("syslog")]
    assert lines[-1] == "old>new truefalse"
    assert not any("old>old" in line for line in lines)


def test_headers_come_from_the_message_the_method_and_the_script(probe, receiver):
    message = probe.create(
        "sys_rest_message", name="Probe", rest_endpoint=receiver.url
    )["sys_id"]
    method = probe.create(
        "sys_rest_message_fn",
        rest_message=message,
        function_name="any label",
        http_method="post",
    )["sys_id"]
    of_message = {"rest_message": message}
    of_method = {"rest_message_function": method}
    probe.create("sys_rest_message_headers", **of_message, name="x-a", value="message")
    probe.create("sys_rest_message_headers", **of_message, name="x-b", value="message")
    headers = "sys_rest_message_fn_headers"
    probe.create(headers, **of_method, name="x-b", value="method")
    probe.create(headers, rest_message_fn=method, name="x-orphan", value="lost")
    probe.create(
        "sys_script",
        collection="live_link",
        when="after",
        action_insert=True,
        script="""
            var request = new sn_ws.RESTMessageV2('Probe', 'any label');
            request.setRequestHeader('x-c', 'script');
            request.setRequestBody('{"group":"probe","event":"probe"}');
            gs.info('status ' + request.execute().getStatusCode());
        """,
    )

    probe.create("live_link", url="x")

    call = receiver.about("probe", event="probe")[0]
    sent = {name: call.headers[name] for name in ("x-a", "x-b", "x-c")}
    assert sent == {"x-a": "message", "x-b": "method", "x-c": "script"}
    assert "x-orphan" not in call.headers
    assert probe.table("syslog")[-1]["message"] == "status 202"


def test_an_unreachable_endpoint_is_an_error_that_a_script_can_read(probe):
    probe.create(
        "sys_script",
        collection="live_link",
        when="after",
        action_insert=True,
        script="""
            var request = new sn_ws.RESTMessageV2();
            request.setEndpoint('http://127.0.0.1:9/');
            request.setHttpMethod('post');
            var response = request.execute();
            gs.info(response.getStatusCode() + ' ' + response.haveError() + ' ' +
                    response.getErrorMessage());
        """,
    )

    probe.create("live_link", url="x")

    assert probe.table("syslog")[-1]["message"] == "0 true ConnectionError"
