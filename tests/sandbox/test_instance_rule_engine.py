"""Business rules of a test's own: what a script can see, change and send."""

import base64
from collections.abc import Iterator

import pytest

from tests.sandbox.instance import ADMIN, Instance

pytestmark = pytest.mark.real_http


@pytest.fixture
def probe(sandbox_instance: Instance) -> Iterator[Instance]:
    """The instance, on which a test puts a rule of its own that goes afterwards."""
    before = {row["sys_id"] for row in sandbox_instance.table("sys_script")}
    yield sandbox_instance
    for row in sandbox_instance.table("sys_script"):
        if row["sys_id"] not in before:
            path = f"/api/now/table/sys_script/{row['sys_id']}"
            sandbox_instance.call("DELETE", path, auth=ADMIN)


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
    probe.settle()
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
