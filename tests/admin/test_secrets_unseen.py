"""A crawl through every page for values that must be in none."""

import json
import logging
import re

import pytest
from django.contrib.admin.models import LogEntry
from django.core.management import call_command

from handoff import services
from handoff.models import Bot, Callback, Handoff, SigningSecret
from servicenow_auth import services as connections
from servicenow_auth.fields import Secret
from servicenow_auth.models import ConnectionRuntime
from tests.admin.people import HOST, page

pytestmark = pytest.mark.django_db

CANARIES = {
    name: f"canary-{name}"
    for name in (
        "password",
        "client_secret",
        "refresh_token",
        "access_token",
        "message_secret",
    )
}


@pytest.fixture
def secrets(bot: Bot) -> list[str]:
    """Every kind of secret that a bot has, set."""
    connections.configure(
        bot.connection,
        host_url=HOST,
        authorization_type="oauth",
        user_name="chatbot.interface",
        client_id="the-client",
        **{name: CANARIES[name] for name in ("password", "client_secret")},
        refresh_token=CANARIES["refresh_token"],
    )
    runtime = ConnectionRuntime.objects.get()
    runtime.access_token = Secret(CANARIES["access_token"])
    runtime.save()
    bot.agent_chat.message_secret = Secret(CANARIES["message_secret"])
    bot.agent_chat.save()
    signing = [
        services.new_signing_secret(bot=bot, purpose=purpose).reveal()
        for purpose in SigningSecret.Purpose
    ]
    _, key = services.create_api_key(bot=bot)
    return [*CANARIES.values(), *signing, key]


def crawl(client) -> dict[str, str]:
    """Return every page that links lead to, by its address."""
    pages: dict[str, str] = {}
    unread = ["/admin/"]
    while unread:
        address = unread.pop()
        if address in pages or len(pages) > 80:
            continue
        answer = client.get(address)
        pages[address] = page(answer) if "text/html" in answer["Content-Type"] else ""
        links = re.findall(r'href="(/admin/[^"#?]*)', pages[address])
        unread += [link for link in links if "/logout/" not in link]
    return pages


def test_no_page_shows_a_secret(olga, bot, secrets):
    Handoff.objects.create(bot=bot, conversation_id="c-1")
    Callback.objects.create(bot=bot, body="{}", authenticated_by="signature")
    pages = crawl(olga.client)
    assert f"/admin/handoff/bot/{bot.pk}/change/" in pages
    assert any("/handoff/handoff/" in address for address in pages)
    for address, html in pages.items():
        assert not [value for value in secrets if value in html], address


def test_a_refused_form_gives_no_secret_back(olga, bot, secrets):
    answer = olga.save_bot(
        bot, chat_system="agent_chat", message_auth="hash", queue_id="?", **CANARIES
    )
    assert answer.status_code == 200
    assert not [value for value in secrets if value in page(answer)]


def test_saving_leaves_no_secret_in_logs_or_audit(olga, bot, secrets, caplog):
    caplog.set_level(logging.DEBUG)
    olga.save_bot(bot, chat_system="agent_chat", message_auth="hash", **CANARIES)
    olga.post("handoff_bot_new_secret", bot.pk, "webhook")
    olga.post("handoff_bot_new_api_key", bot.pk)
    new = [secret.value.reveal() for secret in bot.signing_secrets.all()]
    written = caplog.text + "".join(
        entry.change_message for entry in LogEntry.objects.all()
    )
    assert written
    assert not [value for value in [*secrets, *new] if value in written]


def test_an_export_holds_no_secret(bot, secrets, capsys):
    call_command("dumpdata", "handoff", "servicenow_auth")
    exported = capsys.readouterr().out
    assert json.loads(exported)
    assert not [value for value in secrets if value in exported]
