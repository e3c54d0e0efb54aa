from urllib.parse import parse_qs, urlsplit

import pytest

from handoff.models import Bot
from servicenow_auth.models import AuthorizationAttempt, Connection
from tests.admin.people import HOST, page, told

pytestmark = pytest.mark.django_db

OAUTH = {
    "authorization_type": "oauth",
    "client_id": "the-client",
    "client_secret": "the-secret",
    "_authorize": "1",
}


def check_address(address: str, *, settings) -> None:
    parts = urlsplit(address)
    query = {name: values[0] for name, values in parse_qs(parts.query).items()}
    assert f"{parts.scheme}://{parts.netloc}{parts.path}" == f"{HOST}/oauth_auth.do"
    assert query["client_id"] == "the-client"
    assert query["code_challenge_method"] == "S256"
    assert len(query["code_challenge"]) == 43
    assert len(query["state"]) >= 32
    assert query["redirect_uri"] == f"{settings.PUBLIC_URL}/servicenow/oauth/callback/"
    assert "the-secret" not in address


def test_authorize_saves_first_and_leads_to_servicenow(alice, bot, settings):
    answer = alice.save_bot(bot, name="Saved", **OAUTH)
    assert answer.status_code == 302
    check_address(answer.url, settings=settings)
    assert Bot.objects.get().name == "Saved"
    assert Connection.objects.get().client_secret.reveal() == "the-secret"
    attempt = AuthorizationAttempt.objects.get()
    assert attempt.user.username == "alice"
    assert attempt.return_to == f"/admin/handoff/bot/{bot.pk}/change/"


def test_authorize_works_for_a_bot_that_is_only_being_added(alice, group, settings):
    answer = alice.add_bot(owner_group=group.pk, **OAUTH)
    html = page(answer)
    start = html.index(f"{HOST}/oauth_auth.do")
    check_address(html[start : html.index('"', start)], settings=settings)
    assert Bot.objects.get().api_keys.get().prefix in html


def test_each_click_has_a_state_of_its_own(alice, bot):
    first, second = (alice.save_bot(bot, **OAUTH).url for _ in range(2))
    assert first != second


def test_authorize_goes_to_the_host_that_was_just_entered(alice, bot):
    host = "https://other.service-now.com"
    answer = alice.save_bot(bot, host_url=host, confirm_host="on", **OAUTH)
    assert answer.url.startswith(f"{host}/oauth_auth.do?")


def test_authorize_without_client_saves_and_says_what_is_missing(alice, bot):
    answer = alice.save_bot(bot, **OAUTH | {"client_id": "", "name": "Saved"})
    assert answer.url == f"/admin/handoff/bot/{bot.pk}/change/"
    (message,) = told(answer)
    assert message.startswith("Not authorized: ")
    assert Bot.objects.get().name == "Saved"


def test_a_form_with_errors_does_not_authorize(alice, bot):
    assert alice.save_bot(bot, **OAUTH | {"queue_id": "x"}).status_code == 200
    assert not AuthorizationAttempt.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_enable_waits_until_servicenow_agreed(alice, bot):
    answer = alice.save_bot(bot, enabled="on", **OAUTH)
    assert told(answer) == ["Saved. Switch Enable on once ServiceNow agreed."]
    assert not Bot.objects.get().enabled


@pytest.mark.django_db(transaction=True)
def test_a_running_bot_is_authorized_again_while_it_runs(alice, bot):
    Bot.objects.update(enabled=True)
    assert told(alice.save_bot(bot, enabled="on", **OAUTH)) == ["Saved."]
    assert Bot.objects.get().enabled
