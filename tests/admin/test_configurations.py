from datetime import timedelta

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client

from handoff.models import Bot, BotRuntime, Handoff, Lane, SigningSecret
from servicenow_auth.models import Connection, ConnectionRuntime, State
from tests.admin.people import HOST, QUEUE, make_bot, page

pytestmark = pytest.mark.django_db

OTHER_HOST = "https://other.service-now.com"


def test_a_new_bot_has_all_that_it_runs_on(alice, group):
    alice.add_bot(password="the-password", owner_group=group.pk)
    bot = Bot.objects.select_related("connection__runtime", "runtime").get()
    assert (bot.owner_group, bot.connection.owner_group) == (group, group)
    assert (bot.connection.host_url, bot.connection.user_name) == (
        HOST,
        "chatbot.interface",
    )
    assert bot.connection.password.reveal() == "the-password"
    assert Lane.objects.filter(bot=bot, handoff=None).exists()


def test_a_new_bot_belongs_to_the_only_group_of_its_maker(alice, group):
    html = page(alice.get("handoff_bot_add"))
    assert f'<option value="{group.pk}" selected>' in html


def test_the_first_save_shows_three_secrets_once(alice, group):
    shown = alice.add_bot(owner_group=group.pk)
    bot = Bot.objects.get()
    values = [secret.value.reveal() for secret in bot.signing_secrets.all()]
    assert len(values) == 2
    assert all(value in page(shown) for value in values)
    assert bot.api_keys.get().prefix in page(shown)
    assert "no-store" in shown["Cache-Control"]
    again = page(alice.get("handoff_bot_change", bot.pk))
    assert not any(value in again for value in values)


def test_the_fields_stand_in_the_order_of_the_instructions(alice, bot):
    html = page(alice.get("handoff_bot_change", bot.pk))
    labels = (
        "Chat system",
        "Host URL",
        "Authorization Type",
        "User Name",
        "Password",
        "Client ID",
        "Client Secret",
        "Refresh Token",
        "Queue ID",
        "Callback URL",
        "Redirect URL",
        "Enable",
    )
    places = [html.index(f">{label}<") for label in labels]
    assert places == sorted(places)
    assert bot.callback_url in html
    assert "/servicenow/oauth/callback/" in html


@pytest.mark.parametrize(
    ("field", "kind"),
    [
        ("password", "basic"),
        ("user_name", "basic"),
        ("client_id", "oauth"),
        ("client_secret", "oauth"),
        ("refresh_token", "oauth"),
        ("_authorize", "oauth"),
    ],
)
def test_fields_of_the_other_type_are_hidden(alice, bot, field, kind):
    html = page(alice.get("handoff_bot_change", bot.pk))
    before = html[: html.index(f'name="{field}"')]
    condition = before.rsplit('x-show="', 1)[1].split('"', 1)[0]
    assert condition == f"authorization_type === '{kind}'"


def test_what_is_typed_into_a_hidden_field_is_not_stored(alice, bot):
    alice.save_bot(bot, client_id="hidden", client_secret="hidden")
    connection = Connection.objects.get()
    assert (connection.client_id, connection.client_secret) == ("", None)


def test_a_blank_secret_keeps_what_is_stored(alice, bot):
    alice.save_bot(bot, name="Shop 2")
    connection = Connection.objects.get()
    assert connection.password.reveal() == "the-password"
    assert connection.runtime.state == State.READY


def test_the_page_tells_since_when_a_secret_is_set_and_which_it_is(alice, bot):
    html = page(alice.get("handoff_bot_change", bot.pk))
    fingerprint = Connection.objects.get().password.fingerprint
    assert f"UTC, fingerprint {fingerprint}. Leave it blank to keep it." in html
    assert "Not set." in html


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        (f"{HOST}/nav_to.do?uri=%2Fhome", HOST),
        ("example.service-now.com", HOST),
        (f" {HOST}/ ", HOST),
    ],
)
def test_a_longer_address_is_reduced_to_its_origin(olga, typed, stored):
    olga.add_bot(host_url=typed)
    assert Connection.objects.get().host_url == stored


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("host_url", "https://example.com", "This is not a ServiceNow address"),
        ("host_url", "https://service-now.com.example.com", "not a ServiceNow address"),
        ("host_url", "https://127.0.0.1", "not a ServiceNow address"),
        ("queue_id", "Support", "32 characters"),
        ("webhook_url", "http://bot.example.com/hook", "https://"),
        ("webhook_url", "https://user:pass@bot.example.com", "user name"),
        ("wait_minutes", "0", "greater than or equal to 1"),
        ("idle_minutes", "", "required"),
        ("handoffs_per_hour", "0", "greater than or equal to 1"),
        ("other_texts", "{", "valid JSON"),
        ("other_texts", "[]", "Write it like"),
        ("other_texts", '{"handoff.lost": {"de": "x"}}', "no stage"),
        ("other_texts", '{"handoff.queued": "x"}', "give each language its text"),
        ("other_texts", '{"handoff.queued": {"de": 1}}', "at most 2000"),
    ],
)
def test_bad_input_is_explained_and_stays_in_the_form(
    alice, bot, field, value, sentence
):
    answer = alice.save_bot(bot, name="Kept", **{field: value})
    assert answer.status_code == 200
    html = page(answer)
    assert sentence in html
    assert 'value="Kept"' in html
    bot.refresh_from_db()
    assert bot.name == "Shop"


def test_a_secret_typed_into_a_refused_form_is_asked_for_again(alice, bot):
    answer = alice.save_bot(bot, queue_id="wrong", password="typed-secret")
    assert "Enter it again" in page(answer)
    assert "typed-secret" not in page(answer)


def test_another_host_is_refused_until_the_loss_is_confirmed(alice, bot):
    answer = alice.save_bot(bot, host_url=OTHER_HOST)
    assert f"The Host URL changes from {HOST} to {OTHER_HOST}." in page(answer)
    assert Connection.objects.get().host_url == HOST


def test_another_host_clears_every_secret_and_token(alice, bot):
    alice.save_bot(bot, host_url=OTHER_HOST, confirm_host="on")
    connection = Connection.objects.get()
    assert (connection.host_url, connection.password) == (OTHER_HOST, None)
    assert connection.runtime.state == State.NOT_AUTHORIZED


def test_another_host_asks_for_nothing_where_nothing_is_stored(olga):
    olga.add_bot(password="")
    olga.save_bot(Bot.objects.get(), host_url=OTHER_HOST)
    assert Connection.objects.get().host_url == OTHER_HOST


@pytest.mark.parametrize(
    "change",
    [
        {"host_url": OTHER_HOST, "confirm_host": "on"},
        {"user_name": "somebody.else"},
        {"authorization_type": "oauth"},
    ],
)
def test_another_user_is_refused_while_handoffs_are_open(alice, bot, change):
    Handoff.objects.create(bot=bot, conversation_id="c-1")
    answer = alice.save_bot(bot, **change)
    assert "1 open handoffs run as chatbot.interface" in page(answer)
    connection = Connection.objects.get()
    assert (connection.host_url, connection.user_name) == (HOST, "chatbot.interface")


def test_texts_are_stored_by_stage_and_language(alice, bot):
    alice.save_bot(
        bot,
        text_queued="One moment.",
        text_ended="",
        other_texts='{"handoff.queued": {"de": "Einen Moment."}}',
    )
    bot.refresh_from_db()
    assert bot.texts == {
        "handoff.queued": {"de": "Einen Moment.", "default": "One moment."}
    }
    html = page(alice.get("handoff_bot_change", bot.pk))
    assert "One moment." in html
    assert '{"handoff.queued": {"de": "Einen Moment."}}' in html


def test_time_outs_are_given_in_minutes(alice, bot):
    alice.save_bot(bot, wait_minutes="5", idle_minutes="90")
    bot.refresh_from_db()
    assert bot.wait_timeout == timedelta(minutes=5)
    assert bot.idle_timeout == timedelta(minutes=90)
    assert 'value="90"' in page(alice.get("handoff_bot_change", bot.pk))


def test_a_loop_is_what_the_page_says(alice, bot):
    alice.save_bot(bot, handoffs_per_hour="12")
    bot.refresh_from_db()
    assert bot.handoffs_per_hour == 12
    assert 'value="12"' in page(alice.get("handoff_bot_change", bot.pk))


def test_a_form_saved_late_writes_no_runtime_state(alice, bot):
    alice.get("handoff_bot_change", bot.pk)
    BotRuntime.objects.filter(bot=bot).update(feed_sequence=7, webhook_failures=3)
    ConnectionRuntime.objects.update(version=12, refusals=2, pause_reason="429")
    Bot.objects.update(callback_id="b" * 40)

    alice.save_bot(bot, name="Late")

    bot.refresh_from_db()
    assert (bot.name, bot.callback_id) == ("Late", "b" * 40)
    assert (bot.runtime.feed_sequence, bot.runtime.webhook_failures) == (7, 3)
    runtime = ConnectionRuntime.objects.get()
    assert (runtime.version, runtime.refusals, runtime.pause_reason) == (12, 2, "429")
    assert runtime.state == State.READY


def test_every_change_leaves_a_line_that_names_it_and_no_value(alice, bot):
    alice.save_bot(bot, password="new-secret", queue_id="b" * 32)
    entry = LogEntry.objects.get()
    assert entry.user.username == "alice"
    assert entry.get_change_message() == "Changed Password and Queue ID."


def test_the_page_may_send_its_form_to_the_instance(alice, bot):
    policy = alice.get("handoff_bot_change", bot.pk)["Content-Security-Policy"]
    directives = dict(part.strip().split(" ", 1) for part in policy.split(";"))
    assert directives["form-action"] == "'self' https:"
    assert "unsafe-inline" not in directives["script-src"]
    listed = alice.get("handoff_bot_changelist")["Content-Security-Policy"]
    assert "form-action 'self';" in f"{listed};"


def test_no_page_holds_a_script_of_its_own(alice, bot):
    html = page(alice.get("handoff_bot_change", bot.pk))
    for tag in html.split("<script")[1:]:
        assert "src=" in tag.split(">", 1)[0] or "application/json" in tag


def test_enter_saves_and_does_not_authorize(alice, bot):
    html = page(alice.get("handoff_bot_change", bot.pk))
    form = html[html.index('id="bot_form"') :]
    assert form.index('name="_save"') < form.index('name="_authorize"')


def test_the_line_at_the_top_says_where_it_stands(alice, bot):
    assert "Ready, connected as chatbot.interface" in page(
        alice.get("handoff_bot_change", bot.pk)
    )


def test_a_form_without_token_is_refused(alice, bot):
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = alice.client.cookies
    answer = strict.post(f"/admin/handoff/bot/{bot.pk}/disconnect/")
    assert answer.status_code == 403


def test_a_bots_slug_is_its_own(olga, bot):
    assert "already exists" in page(olga.add_bot(slug=bot.slug))
    assert make_bot("Bank").slug == "bank"
    assert SigningSecret.objects.count() == 0
    assert bot.queue_id == QUEUE
