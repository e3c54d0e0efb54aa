"""The Virtual Agent API: how a request proves itself, and whose it is then."""

import hashlib
import hmac
import json
import uuid

import pytest

from tests.sandbox.instance import ADMIN, BOT
from tests.sandbox.virtual_agent import APPLICATION, BOT_API, SUPPORT, log_says

pytestmark = pytest.mark.real_http


@pytest.fixture
def prove(va_instance):
    """Set up message auth by a table of secrets; gone again afterwards."""

    def set_up(table, **secret):
        proof = va_instance.create(table, name="Handoff", **secret)
        auth = va_instance.create(
            "message_auth", name="Handoff", inbound_message_verification=proof["sys_id"]
        )
        change(auth["sys_id"])

    def change(message_auth):
        va_instance.patch(
            "sys_cs_provider_application", APPLICATION, message_auth=message_auth
        )

    yield set_up
    change("")


@pytest.mark.parametrize("place", ["header", "body"])
def test_a_token_proves_a_request_and_links_its_user(va_bot, prove, desk, place):
    prove("token_verification", token="let-me-in")
    email = f"{uuid.uuid4().hex}@example.com"
    person = va_bot.instance.create(
        "sys_user", user_name=email, name="Ada", email=email
    )
    token = {"token": "let-me-in"}

    va_bot.send(
        headers=token if place == "header" else None,
        action="START_CONVERSATION",
        emailId=email,
        contextVariables=SUPPORT,
        **(token if place == "body" else {}),
    )

    assert va_bot.told("StartSpinner")
    assert va_bot.interaction["opened_for"]["value"] == person["sys_id"]
    assert desk.shows(va_bot.interaction["sys_id"], "Ada")


def test_a_wrong_token_in_the_header_wins_and_leads_to_silence(va_bot, prove):
    prove("token_verification", token="let-me-in")

    answer = va_bot.send(
        headers={"token": "wrong"},
        requestId=va_bot.user_id,
        token="let-me-in",
        action="START_CONVERSATION",
        contextVariables=SUPPORT,
    )

    assert answer.json() == {"status": "success"}
    assert log_says(va_bot.instance, f"verification failed, request {va_bot.user_id}")
    assert va_bot.posts == []


def test_an_address_that_two_users_have_links_neither(va_bot, prove):
    prove("token_verification", token="let-me-in")
    email = f"{uuid.uuid4().hex}@example.com"
    for number in (1, 2):
        va_bot.instance.create("sys_user", user_name=f"{number}{email}", email=email)

    va_bot.start(headers={"token": "let-me-in"}, emailId=email)

    assert va_bot.interaction["opened_for"] == ""


def test_a_signature_of_other_bytes_leads_to_silence(va_bot, prove):
    prove("hash_message_verification", secret="s3cret")
    signature = hmac.new(b"s3cret", b"{}", hashlib.sha1).hexdigest()

    answer = va_bot.send(
        headers={"x-b2b-signature": signature},
        requestId=va_bot.user_id,
        action="START_CONVERSATION",
    )

    assert answer.json() == {"status": "success"}
    assert log_says(va_bot.instance, f"verification failed, request {va_bot.user_id}")
    assert va_bot.posts == []


def test_a_signature_proves_the_bytes_that_were_sent(va_bot, prove):
    prove("hash_message_verification", secret="s3cret")
    body = {
        "userId": va_bot.user_id,
        "action": "START_CONVERSATION",
        "contextVariables": SUPPORT,
    }
    raw = json.dumps(body, separators=(",", ":")).encode()
    signature = hmac.new(b"s3cret", raw, hashlib.sha1).hexdigest()

    va_bot.instance.call(
        "POST",
        BOT_API,
        auth=BOT,
        data=raw,
        headers={"Content-Type": "application/json", "x-b2b-signature": signature},
    )

    assert va_bot.told("StartSpinner")


def test_secrets_of_message_auth_are_never_given_out(va_bot, prove):
    prove("hash_message_verification", secret="canary-hash")
    prove("token_verification", token="canary-token")

    for table in ("hash_message_verification", "token_verification"):
        path = f"/api/now/table/{table}"
        assert "canary" not in va_bot.instance.call("GET", path, auth=ADMIN).text


def test_without_a_proof_everybody_is_a_guest(va_bot, desk):
    email = f"{uuid.uuid4().hex}@example.com"
    va_bot.instance.create("sys_user", user_name=email, name="Ada", email=email)

    interaction = va_bot.start(emailId=email)

    assert va_bot.interaction["opened_for"] == ""
    assert desk.shows(interaction, "Guest")
