import pytest
from django.contrib.admin.models import LogEntry
from django.utils.timezone import now

from handoff import services
from handoff.admin import access
from handoff.admin.handoffs import WHY
from handoff.models import (
    Attempt,
    Bot,
    Callback,
    Event,
    Handoff,
    Lane,
    Message,
    Outgoing,
)
from handoff.models.lane import Direction, ItemState
from servicenow_auth.models import ConnectionRuntime
from tests.admin.people import make_bot, page

pytestmark = pytest.mark.django_db


@pytest.fixture
def handoff(bot: Bot) -> Handoff:
    Bot.objects.update(enabled=True)
    bot.refresh_from_db()
    request = services.StartRequest(conversation_id="c-1", message="Help <b>me</b>")
    return services.start_handoff(bot=bot, request=request).handoff


def lane(handoff: Handoff) -> Lane:
    return Lane.objects.get(handoff=handoff, direction=Direction.TO_SERVICENOW)


def test_what_was_said_is_shown_as_it_was_written(alice, handoff):
    Message.objects.create(
        handoff=handoff, role="agent", text="Hello\n$1 🙂", sender_name="Grace"
    )
    html = alice.get("handoff_handoff_change", handoff.pk).content.decode()
    assert "Help &lt;b&gt;me&lt;/b&gt;" in html
    assert "Hello\n$1 🙂" in html
    assert html.index("Help &lt;b") < html.index("Hello\n$1")
    assert "Grace" in html


def test_an_item_that_may_have_been_sent_is_visible_as_such(alice, handoff):
    Outgoing.objects.update(
        state=ItemState.SENDING, attempts=2, last_error="no answer within 15 s"
    )
    html = page(alice.get("handoff_handoff_change", handoff.pk))
    assert html.count("delivery uncertain") == 2  # with the message and as an item
    assert "2 attempts" in html
    assert "no answer within 15 s" in html
    health = page(alice.get("handoff_bot_change", handoff.bot.pk))
    assert "Items whose delivery is uncertain</dt>" in health
    assert ": no answer within 15 s" in health


def test_an_item_under_way_is_not_called_uncertain(alice, handoff):
    Outgoing.objects.update(state=ItemState.SENDING, attempts=1)
    html = page(alice.get("handoff_handoff_change", handoff.pk))
    assert "delivery uncertain" not in html


def test_why_a_lane_stands_still_is_shown(alice, handoff):
    Lane.objects.filter(pk=lane(handoff).pk).update(
        stalled_reason="Needs re-authorization.", wake_at=now()
    )
    html = page(alice.get("handoff_handoff_change", handoff.pk))
    assert "Needs re-authorization." in html
    assert "Next try: " in html


def test_why_a_lane_stands_still_is_said_in_words(alice, handoff):
    for reason, words in WHY.items():
        Lane.objects.filter(handoff=handoff).update(stalled_reason=reason)
        assert words in page(alice.get("handoff_handoff_change", handoff.pk))


def test_a_bot_that_may_not_read_what_it_sent_says_so_with_the_cure(alice, handoff):
    Lane.objects.filter(pk=lane(handoff).pk).update(
        stalled_reason="unreadable", wake_at=now()
    )
    html = page(alice.get("handoff_bot_change", handoff.bot.pk))
    assert "which may not read what it has sent: see Health" in html
    assert "1 conversation waits: ServiceNow does not show chatbot.interface" in html
    assert "Let it read" in html


def test_what_was_found_twice_is_counted_with_its_cause(alice, handoff):
    html = page(alice.get("handoff_bot_change", handoff.bot.pk))
    assert "SETTLE_TIME" not in html
    Outgoing.objects.update(duplicates=["1" * 32])
    html = page(alice.get("handoff_bot_change", handoff.bot.pk))
    assert "1: ServiceNow applied a call later than SETTLE_TIME" in html


def test_attempts_and_events_are_shown(alice, handoff):
    Attempt.objects.create(
        lane=lane(handoff),
        sequence=1,
        number=4,
        started_at=now(),
        outcome="throttled",
        detail="429",
    )
    services.end_handoff(handoff_id=handoff.pk, bot=handoff.bot)
    html = page(alice.get("handoff_handoff_change", handoff.pk))
    assert "To ServiceNow, item 1, attempt 4" in html
    assert "throttled" in html
    assert Event.objects.get().type in html
    assert "The bot ended it" in html


def test_every_look_at_a_conversation_leaves_a_line(alice, handoff):
    alice.get("handoff_handoff_changelist")
    assert not LogEntry.objects.exists()
    alice.get("handoff_handoff_change", handoff.pk)
    entry = LogEntry.objects.get()
    assert (entry.user.username, entry.object_id) == ("alice", str(handoff.pk))
    assert entry.change_message == "Read the conversation."


def test_every_look_at_a_callback_leaves_a_line(alice, bot):
    callback = Callback.objects.create(
        bot=bot, body='{"text": "<script>x</script>"}', authenticated_by="signature"
    )
    html = alice.get("handoff_callback_change", callback.pk).content.decode()
    assert "&lt;script&gt;x" in html
    assert "<script>x" not in html
    assert LogEntry.objects.get().change_message == "Read the callback."


def test_a_list_of_callbacks_shows_no_body(alice, bot):
    Callback.objects.create(bot=bot, body="what the agent wrote", note="Echo")
    html = page(alice.get("handoff_callback_changelist"))
    assert "Echo" in html
    assert "what the agent wrote" not in html


def test_a_conversation_is_found_by_its_whole_id(alice, handoff):
    assert "c-1</a>" in page(alice.get("handoff_handoff_changelist", q="c-1"))
    assert "c-1</a>" not in page(alice.get("handoff_handoff_changelist", q="c-"))


def test_handoffs_are_filtered_by_state_and_bot(olga, handoff):
    other = make_bot("Bank")
    shown = page(olga.get("handoff_handoff_changelist", bot=handoff.bot.pk))
    assert "c-1</a>" in shown
    assert "Bank" in shown
    hidden = page(olga.get("handoff_handoff_changelist", bot=other.pk))
    assert "c-1</a>" not in hidden
    ended = page(olga.get("handoff_handoff_changelist", state__exact="ended"))
    assert "c-1</a>" not in ended


def test_a_long_table_is_counted_to_an_end(olga, handoff, monkeypatch):
    monkeypatch.setattr(access, "MOST_COUNTED", 1)
    Handoff.objects.create(bot=handoff.bot, conversation_id="c-2")
    assert olga.get("handoff_handoff_changelist").context["cl"].result_count == 1


def test_a_bots_page_lists_its_last_handoffs(alice, handoff):
    html = page(alice.get("handoff_bot_change", handoff.bot.pk))
    assert f"/admin/handoff/handoff/{handoff.pk}/change/" in html
    assert f"?bot={handoff.bot.pk}" in html


def test_a_bot_without_handoffs_says_how_to_make_one(alice, bot):
    html = page(alice.get("handoff_bot_change", bot.pk))
    assert "POST /api/v1/handoffs" in html


def test_health_tells_of_pauses_and_of_the_webhook(alice, bot):
    ConnectionRuntime.objects.update(
        paused_until=now().replace(year=now().year + 1),
        pause_reason="429",
        failures=3,
        calls_allowed=2,
    )
    Bot.objects.update(webhook_url="https://bot.example.com")
    bot.runtime.webhook_disabled_at = now()
    bot.runtime.webhook_error = "410"
    bot.runtime.save()
    html = page(alice.get("handoff_bot_change", bot.pk))
    assert "UTC: 429 (3 failed in a row). 2 at a time" in html
    assert "Switched off since " in html


def test_a_page_costs_the_same_however_much_was_said(
    alice, handoff, django_assert_max_num_queries
):
    Message.objects.bulk_create(
        Message(handoff=handoff, role="user", text=f"line {n}") for n in range(50)
    )
    with django_assert_max_num_queries(30):
        alice.get("handoff_handoff_change", handoff.pk)


def test_the_list_of_bots_costs_the_same_however_long_it_is(
    alice, bot, group, django_assert_max_num_queries
):
    for number in range(20):
        make_bot(f"Shop {number}", group=group)
    with django_assert_max_num_queries(15):
        alice.get("handoff_bot_changelist")


def test_a_callback_of_any_kind_is_readable_and_kept_as_it_came(alice, bot):
    body = '{"body":[{"uiType":"Hologram","label":"Grüße <b>"}],"score":"0.92"}'
    callback = Callback.objects.create(bot=bot, body=body, authenticated_by="header")
    html = page(alice.get("handoff_callback_change", callback.pk))
    assert '      "label": "Grüße <b>"\n' in html
    assert body in html


def test_a_callback_that_is_no_json_is_shown_as_text(alice, bot):
    callback = Callback.objects.create(
        bot=bot, body='{"say "hi"', state="broken", authenticated_by="header"
    )
    html = page(alice.get("handoff_callback_change", callback.pk))
    assert html.count('{"say "hi"') == 2
