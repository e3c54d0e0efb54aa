"""The admin, by somebody who may log in and means no good, or may not log in."""

import pytest
from axes.models import AccessAttempt
from django.contrib.auth.models import Group
from django.test import Client

from handoff.management.commands.create_operator import new_second_factor
from handoff.models import Handoff, Message
from tests.admin.people import Admin, developer, make_bot

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]

HANDOFFS = "/admin/handoff/handoff/"


@pytest.fixture(autouse=True)
def demo(settings):
    settings.DEMO = True


@pytest.fixture
def group():
    return Group.objects.create(name="Shop")


@pytest.fixture
def alice(group) -> Admin:
    return Admin(developer("alice", group=group))


@pytest.mark.parametrize(
    "query",
    [
        "conversation_id__regex=(a%2B)%2B$",
        "conversation_id__startswith=c",
        "state__exact=%00",
        "state=%00",
        "bot__connection__password__startswith=v1",
        "bot__callback_id__startswith=a",
    ],
)
def test_a_list_answers_no_query_of_the_visitors_making(alice, query):
    assert alice.client.get(f"{HANDOFFS}?{query}").status_code == 400


@pytest.mark.parametrize("query", ["", "state__exact=queued", "bot=nobody", "q=%00"])
def test_a_list_still_answers_its_own_filters(alice, query):
    assert alice.client.get(f"{HANDOFFS}?{query}").status_code == 200


def test_a_form_sets_nothing_that_is_not_on_it(alice, group):
    bot, other = make_bot("Shop", group=group), make_bot("Bank")
    before = (bot.pk, bot.callback_id, bot.connection_id)

    alice.save_bot(
        bot,
        id=str(other.pk),
        callback_id=other.callback_id,
        connection=str(other.connection_id),
    )

    bot.refresh_from_db()
    assert (bot.pk, bot.callback_id, bot.connection_id) == before


def test_a_bot_cannot_be_given_to_or_taken_from_another_group(alice, group):
    bot, bank = make_bot("Shop", group=group), Group.objects.create(name="Bank")

    answer = alice.save_bot(bot, owner_group=str(bank.pk))

    bot.refresh_from_db()
    assert (answer.status_code, bot.owner_group) == (200, group)


def test_what_agent_and_user_say_is_text_in_every_page(alice, group):
    script = "<script>alert(1)</script><img src=x onerror=alert(1)>"
    bot = make_bot("Shop", group=group)
    handoff = Handoff.objects.create(
        bot=bot,
        conversation_id=script,
        agent_name=script,
        user={"name": script},
        number=script[:40],
        wait_text=script,
    )
    Message.objects.create(
        handoff=handoff, role="agent", text=script, html=script, sender_name=script
    )

    for address in (HANDOFFS, f"{HANDOFFS}{handoff.pk}/change/"):
        html = alice.client.get(address).content.decode()
        assert "alert(1)" in html
        assert "<script>alert" not in html
        assert "<img src=x" not in html
    assert (
        "<script>alert" not in alice.get("handoff_bot_change", bot.pk).content.decode()
    )


def fail_to_log_in(address: str) -> None:
    data = {"username": "olga", "password": "wrong", "otp_token": "the-code"}
    headers = {"X-Forwarded-For": address}
    Client().post("/admin/login/", data, headers=headers)


@pytest.fixture
def olga(django_user_model, settings):
    settings.DEMO = False
    user = django_user_model.objects.create_superuser("olga", password="right")
    new_second_factor(user)
    return user


def test_a_failed_login_keeps_no_code(olga):
    fail_to_log_in("")
    attempt = AccessAttempt.objects.get()
    assert "otp_token" in attempt.post_data
    assert "the-code" not in attempt.post_data
    assert "wrong" not in attempt.post_data


def test_behind_a_proxy_a_guesser_locks_out_no_one_else(olga, settings):
    settings.TRUSTED_PROXIES = 1
    fail_to_log_in("198.51.100.7, 203.0.113.9")
    assert AccessAttempt.objects.get().ip_address == "203.0.113.9"


def test_without_a_proxy_no_header_passes_for_an_address(olga):
    for last in range(3):
        fail_to_log_in(f"203.0.113.{last}")
    assert AccessAttempt.objects.get().ip_address == "127.0.0.1"


def test_a_proxy_that_tells_no_address_breaks_no_login(olga, settings):
    settings.TRUSTED_PROXIES = 1
    fail_to_log_in("203.0.113.9:4711")
    assert AccessAttempt.objects.get().ip_address == "127.0.0.1"


def test_a_password_without_a_code_opens_no_address(olga):
    client = Client()
    client.force_login(olga)
    bot = make_bot("Shop")
    for address in ("", "handoff/bot/", f"handoff/bot/{bot.pk}/change/", "jsi18n/"):
        assert client.get(f"/admin/{address}").status_code == 302
    new_key = f"/admin/handoff/bot/{bot.pk}/api-keys/new/"
    assert client.post(new_key).status_code == 302
    assert not bot.api_keys.exists()


def test_buttons_need_the_token_of_their_page(alice, group):
    bot = make_bot("Shop", group=group)
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = alice.client.cookies
    for name in ("api-keys/new", "secrets/webhook/new", "disconnect", "webhook/on"):
        address = f"/admin/handoff/bot/{bot.pk}/{name}/"
        assert strict.post(address).status_code == 403


@pytest.mark.parametrize("character", ["\\u0000", "\\ud800"])
def test_a_text_that_no_database_holds_is_refused_on_the_form(alice, group, character):
    bot = make_bot("Shop", group=group)
    other = f'{{"handoff.queued": {{"de": "Moment{character}"}}}}'

    answer = alice.save_bot(bot, other_texts=other)

    assert answer.status_code == 200
    assert "NUL or a lone surrogate" in answer.content.decode()
