"""Every request but a start: the body, what proves it, and what its answer means."""

import hashlib
import hmac
import json
import time

import pytest
import requests

from handoff.chat_systems import InboundFile, OutboundFile, OutboundMessage
from servicenow_auth.exceptions import (
    Ambiguous,
    NotSent,
    Rejected,
    Throttled,
    TooLate,
    Unauthorized,
)
from tests.chat_systems.wire import ALWAYS, HOST, NO, RECEIVED, URL, asked

HELLO = OutboundMessage(id="7-2", text="Grüezi 👋")
PICTURE = OutboundFile(
    id="a1",
    file_name="door.png",
    content_type="image/png",
    url="https://handoff.example.org/api/v1/attachments/a1",
    token="one-file-only",
    read=lambda: b"",
)


def test_a_text_is_typed_and_named_by_its_item(http, agent_chat, there):
    http.post(URL, json=RECEIVED)

    assert agent_chat().send(there, HELLO) == ""

    message = {"text": "Grüezi 👋", "typed": True, "clientMessageId": "7-2"}
    assert asked(http) == [ALWAYS | {"requestId": "7-2", "message": message}]


def test_a_choice_goes_as_its_value(http, agent_chat, there):
    http.post(URL, json=RECEIVED)

    chosen = OutboundMessage(id="7-3", text="Very good", choice_value="3")
    agent_chat().send(there, chosen)

    message = {"text": "3", "typed": False, "clientMessageId": "7-3"}
    assert asked(http) == [ALWAYS | {"requestId": "7-3", "message": message}]


def test_a_file_goes_as_an_address_with_its_key(http, agent_chat, there):
    http.post(URL, json=RECEIVED)

    file = OutboundMessage(id="7-4", text="File: door.png", file=PICTURE)
    agent_chat().send(there, file)

    attachment = {
        "clientAttachmentId": "a1",
        "contentType": "image/png",
        "fileName": "door.png",
        "url": "https://handoff.example.org/api/v1/attachments/a1",
        "headers": {"Authorization": "Bearer one-file-only"},
    }
    assert asked(http)[0]["message"] == {
        "text": "",
        "typed": True,
        "clientMessageId": "7-4",
        "attachment": attachment,
    }


@pytest.mark.parametrize(
    ("act", "action"),
    [
        (lambda system, there: system.end(there), "END_CONVERSATION"),
        (lambda system, there: system.set_typing(there, typing=True), "TYPING"),
        (lambda system, there: system.set_typing(there, typing=False), "VIEWING"),
    ],
)
def test_a_signal_is_an_action_with_an_empty_text(act, action, http, agent_chat, there):
    http.post(URL, json=RECEIVED)

    act(agent_chat(), there)

    [body] = asked(http)
    request_id = body["requestId"]
    message = {"text": "", "typed": True, "clientMessageId": request_id}
    assert len(request_id) == 32
    assert body == ALWAYS | {
        "requestId": request_id,
        "action": action,
        "message": message,
    }


def test_no_two_requests_have_the_same_id(http, agent_chat, there):
    http.post(URL, json=RECEIVED)
    system = agent_chat()

    for typing in (True, False, True):
        system.set_typing(there, typing=typing)

    assert len({body["requestId"] for body in asked(http)}) == 3


def test_receipts_go_in_one_request(http, agent_chat, there):
    http.post(URL, json=RECEIVED)

    agent_chat().acknowledge(there, {"a" * 32: True, "b" * 32: False})

    [body] = asked(http)
    assert body == ALWAYS | {
        "requestId": body["requestId"],
        "action": "UPDATE_MESSAGES",
        "message": [
            {"id": "a" * 32, "status": "sent_to_user"},
            {"id": "b" * 32, "status": "external_error"},
        ],
    }


def test_a_request_says_when_it_was_made(http, agent_chat, there):
    http.post(URL, json=RECEIVED)

    agent_chat().send(there, HELLO)

    timestamp = json.loads(http.calls[0].request.body)["timestamp"]
    assert timestamp == pytest.approx(time.time() * 1000, abs=30_000)


def test_the_inbound_id_goes_with_every_request(http, agent_chat, there):
    http.post(URL, json=RECEIVED)
    system = agent_chat(app_inbound_id="shop_bot")

    system.send(there, HELLO)
    system.set_typing(there, typing=True)
    system.acknowledge(there, {"a" * 32: True})
    system.end(there)

    assert [body["appInboundId"] for body in asked(http)] == ["shop_bot"] * 4


def test_without_message_authentication_a_user_is_a_guest(http, agent_chat, there):
    sent = http.post(URL, json=RECEIVED)

    agent_chat(secret="left from before").send(there, HELLO)

    assert "emailId" not in asked(http)[0]
    assert not {"token", "x-b2b-signature"} & sent.calls[0].request.headers.keys()


def test_a_token_goes_into_its_header_and_links_the_user(http, agent_chat, there):
    sent = http.post(URL, json=RECEIVED)

    agent_chat(message_auth="token", secret="open sesame").send(there, HELLO)

    assert sent.calls[0].request.headers["token"] == "open sesame"
    assert asked(http)[0]["emailId"] == "ada@example.com"
    assert "open sesame" not in str(asked(http))


def test_a_signature_is_of_the_compact_bytes_that_were_sent(http, agent_chat, there):
    sent = http.post(URL, json=RECEIVED)

    agent_chat(message_auth="hash", secret="öpen").send(there, HELLO)

    request = sent.calls[0].request
    key = "öpen".encode().ljust(64, b"\0")
    outer, inner = (bytes(byte ^ pad for byte in key) for pad in (0x5C, 0x36))
    digest = hashlib.sha1(inner + request.body).digest()  # noqa: S324 - the app's choice
    expected = hashlib.sha1(outer + digest).hexdigest()  # noqa: S324 - the same
    assert hmac.compare_digest(request.headers["x-b2b-signature"], expected)
    # As JavaScript's JSON.stringify writes it.
    assert "Grüezi 👋".encode() in request.body
    assert b'"botToBot":true,"clientVariables":{"handoff":' in request.body


def test_a_secret_that_does_not_open_sends_nothing(agent_chat, there, settings):
    system = agent_chat(message_auth="hash", secret="open sesame")
    settings.FIELD_ENCRYPTION_KEYS = ["V" * 43 + "="]

    with pytest.raises(Unauthorized) as refused:
        system.send(there, HELLO)

    assert "unknown key" in refused.value.detail


def test_a_secret_that_was_never_given_sends_nothing(agent_chat, there):
    with pytest.raises(Unauthorized):
        agent_chat(message_auth="token").send(there, HELLO)


@pytest.mark.parametrize(
    ("answer", "outcome"),
    [
        ({"json": {"status": "failure"}}, Rejected),
        ({"json": NO, "status": 405}, Rejected),
        ({"json": NO, "status": 401}, Unauthorized),
        ({"json": NO, "status": 429}, Throttled),
        ({"json": NO, "status": 500}, Ambiguous),
        ({"json": RECEIVED, "status": 202}, Ambiguous),
        ({"body": "<html>"}, Ambiguous),
        ({"body": requests.ConnectionError()}, NotSent),
    ],
)
def test_an_answer_that_is_no_success_says_what_became_of_the_message(
    answer, outcome, http, agent_chat, there
):
    http.post(URL, **answer)

    with pytest.raises(outcome):
        agent_chat().send(there, HELLO)


def test_nothing_is_sent_too_late(agent_chat, there):
    system = agent_chat()

    with pytest.raises(TooLate):
        system.send(there, HELLO, send_before=time.monotonic())
    with pytest.raises(TooLate):
        system.end(there, send_before=time.monotonic())


MEDIA = "/api/now/v1/cs/media/" + "ab" * 16


@pytest.mark.parametrize(
    ("source", "path"),
    [
        (MEDIA, MEDIA),
        (f"{HOST}{MEDIA}", MEDIA),
        (MEDIA.removeprefix("/"), MEDIA),
        ("https://DEV1.service-now.com/x1.iix?t=small", "/x1.iix?t=small"),
        ("/sys_attachment.do?sys_id=1", "/sys_attachment.do?sys_id=1"),
        (f"{HOST}/{MEDIA}", MEDIA),
        ("/api/now/attachment/1/file", "/api/now/attachment/1/file"),
    ],
)
def test_a_file_is_read_from_the_instance(source, path, http, agent_chat):
    sent = http.get(f"{HOST}{path}", body=b"\x89PNG")

    file = InboundFile(source=source, file_name="x.png")
    assert agent_chat().download(file, max_bytes=10) == b"\x89PNG"

    assert sent.calls[0].request.headers["Authorization"].startswith("Basic ")


@pytest.mark.parametrize(
    "source",
    [
        f"https://example.org{MEDIA}",
        f"//example.org{MEDIA}",
        f"http://dev1.service-now.com{MEDIA}",
        f"https://dev1.service-now.com@example.org{MEDIA}",
        "https://[",
        "@example.org/x.iix",
        "javascript:alert(1)",
        "/api/now/table/sys_user",
        "/api/now/attachment/../table/sys_user",
        "/api/now/attachment/%2e%2e/table/sys_user",
        "/api/now/attachment/1/..;/file",
        "/logout.do",
        "",
    ],
)
def test_nothing_but_the_instances_own_files_is_fetched(source, agent_chat):
    with pytest.raises(Rejected):
        agent_chat().download(
            InboundFile(source=source, file_name="x.png"), max_bytes=10
        )


def test_there_is_nothing_to_read_or_to_look_at(agent_chat, there):
    system = agent_chat()

    assert system.messages(there) == []
    assert system.observe(there) is None
    assert system.agent(agent_id="d" * 32) is None
    assert system.availability(queue_id="b" * 32).state == "unknown"
