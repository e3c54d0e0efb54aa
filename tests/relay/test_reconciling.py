"""Reads of all open handoffs of a bot find what no callback told."""

from datetime import UTC, datetime, timedelta

import pytest
from django.utils.timezone import now

from handoff import services
from handoff.models import BotRuntime, Event, Handoff, Message
from handoff.relay import looking
from handoff.relay.reconciling import reconcile
from servicenow_auth.models import ConnectionRuntime
from tests.relay.conftest import (
    AGENT,
    ENTRIES,
    GROUP,
    HOST,
    LIVE_MESSAGES,
    MESSAGES,
    STATE,
    entry,
    events,
    message,
    row,
)
from tests.relay.reads import about, again, ago, shows, tell, texts, wait

pytestmark = pytest.mark.django_db
PROFILE = f"{HOST}/api/now/live/profiles/sys_user.{AGENT}"
FORBIDDEN = {"error": {"message": "Insufficient rights to query records"}}


def test_what_no_callback_told_is_found_and_marked(http, due):
    shows(http, message("1" * 32, "Hello", timestamp=ago(20)))

    reconcile(due.bot_id)

    data = Event.objects.get(type="message.created").payload["data"]
    assert (data["text"], data["recovered"]) == ("Hello", True)
    assert data["sender"]["name"] == "Beth"


def test_one_read_asks_for_all_open_handoffs_of_a_bot(http, due):
    other = "7" * 32
    request = services.StartRequest(conversation_id="c-2", message="Hi")
    second = services.start_handoff(bot=due.bot, request=request).handoff
    Handoff.objects.filter(pk=second.pk).update(group_id=other, state="queued")
    both = [entry(1), entry(1, group=other, sys_id="8" * 32)]
    said = message("1" * 32, "Hello", group=other, timestamp=ago(20))
    shows(http, said, entries=both)

    reconcile(due.bot_id)

    assert len(http.calls) == 3
    query = http.calls[0].request.params["sysparm_query"]
    assert query.startswith(f"groupIN{GROUP},{other}^sys_created_on>=")
    assert query.endswith("^ORDERBYsys_created_on^ORDERBYsys_id")
    assert (texts(due), texts(second)) == ([], ["Hello"])


def test_what_callbacks_told_changes_nothing(http, due):
    said = message("1" * 32, "Hello", timestamp=ago(20))
    tell(due, said)
    shows(http, said)

    reconcile(due.bot_id)

    assert texts(due) == ["Hello"]
    assert BotRuntime.objects.get().recovered_at is None


def test_a_callback_that_comes_after_the_read_is_a_repeat(http, due):
    said = message("1" * 32, "Hello", timestamp=ago(20))
    shows(http, said)
    reconcile(due.bot_id)

    tell(due, said)

    assert texts(due) == ["Hello"]


def test_an_agent_and_an_end_are_seen_without_callbacks(http, due):
    accepted = entry(2, assigned_to=AGENT)
    hello = message("1" * 32, "Hello", timestamp=ago(30))
    shows(http, hello, entries=[accepted])
    http.get(PROFILE, json={"result": {"name": "Beth Anglin"}})
    reconcile(due.bot_id)
    again()
    shows(http, hello, entries=[entry(3, assigned_to=AGENT)])
    reconcile(due.bot_id)
    http.get(MESSAGES, json={"result": [message("2" * 32, "Bye"), hello]})

    looking.look(due.pk)

    ended = ["message.created", "handoff.ended"]
    assert events(due) == ["handoff.accepted", "message.created", *ended]
    assert texts(due) == ["Hello", "Bye"]


def test_places_in_the_line_are_told(http, due):
    placed = entry(1, position=3, average_wait_time="2 Minutes 5 Seconds")
    shows(http, line=[placed])

    reconcile(due.bot_id)

    data = Event.objects.get(type="handoff.wait_time.updated").payload["data"]
    assert (data["position"], data["wait_seconds"]) == (3, 125)


def test_a_handoff_of_which_there_is_no_news_is_not_touched(
    http, due, django_assert_num_queries
):
    Handoff.objects.update(number="CHAT0010042", queue_id="b" * 32)
    shows(http)

    with django_assert_num_queries(8):
        reconcile(due.bot_id)

    assert Event.objects.count() == 0


def test_two_messages_of_one_second_are_put_in_order_by_the_conversation(http, due):
    """A row tells whole seconds only."""
    second = ago(30) // 1000 * 1000
    late = message("1" * 32, "second", timestamp=second + 900)
    early = message("2" * 32, "first", timestamp=second + 100)
    shows(http, late, early)
    reconcile(due.bot_id)
    assert texts(due) == []
    http.get(STATE, json={"result": [entry(1)]})
    http.get(MESSAGES, json={"result": [late, early]})

    looking.look(due.pk)

    assert texts(due) == ["first", "second"]


def test_many_rows_are_read_page_by_page(http, due):
    count = {"X-Total-Count": "150"}
    said = [
        message(f"{n:032d}", f"text {n}", timestamp=ago(200 - n)) for n in range(150)
    ]
    for page in (said[:100], said[100:]):
        rows = {"result": [row(one) for one in page]}
        http.get(LIVE_MESSAGES, json=rows, headers=count)
    http.get(ENTRIES, json={"result": [row(entry(1))]})
    http.get(STATE, json={"result": [entry(1)]})

    reconcile(due.bot_id)

    offsets = [call.request.params["sysparm_offset"] for call in http.calls[:2]]
    assert offsets == ["0", "100"]
    assert texts(due) == [f"text {n}" for n in range(150)]


def test_a_short_page_is_not_the_last_one(http, due):
    """Access rules leave rows out after the page was cut."""
    said = message("1" * 32, "Hello", timestamp=ago(20))
    count = {"X-Total-Count": "101"}
    http.get(LIVE_MESSAGES, json={"result": []}, headers=count)
    http.get(LIVE_MESSAGES, json={"result": [row(said)]}, headers=count)
    http.get(ENTRIES, json={"result": [row(entry(1))]})
    http.get(STATE, json={"result": [entry(1)]})

    reconcile(due.bot_id)

    assert texts(due) == ["Hello"]


def test_what_was_read_is_read_again_for_five_minutes(http, due):
    shows(http)

    reconcile(due.bot_id)

    begin = BotRuntime.objects.get().reconcile_from
    assert (now() - begin).total_seconds() == about(300)


def test_a_read_that_fails_forgets_nothing(http, due):
    begin = now() - timedelta(hours=2)
    again(reconcile_from=begin)
    http.get(LIVE_MESSAGES, status=502, body="<html>")

    reconcile(due.bot_id)

    assert BotRuntime.objects.get().reconcile_from == begin
    assert wait().total_seconds() == about(15)


def test_what_is_too_much_for_one_read_is_read_on_at_once(http, due, monkeypatch):
    monkeypatch.setattr("handoff.chat_systems.connect_support.tables.MAX_PAGES", 1)
    said = message("1" * 32, "Hello", timestamp=ago(3600))
    shows(http, said, headers={"X-Total-Count": "700"})

    reconcile(due.bot_id)

    runtime = BotRuntime.objects.get()
    written = datetime.fromtimestamp(said["timestamp"] // 1000, tz=UTC)
    assert runtime.reconcile_from == written
    assert wait() < timedelta(seconds=1)


def test_times_are_told_by_servicenows_clock(http, due):
    ConnectionRuntime.objects.update(clock_offset=-1800)
    shows(http)

    reconcile(due.bot_id)

    query = http.calls[0].request.params["sysparm_query"]
    first = query.split(">=")[1].split("^")[0]
    since = datetime.strptime(first, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC)
    assert (now() - since).total_seconds() == about(2100)


def test_forbidden_reads_are_said_and_each_conversation_is_read_by_itself(http, due):
    http.get(LIVE_MESSAGES, status=403, json=FORBIDDEN)

    reconcile(due.bot_id)

    assert "Insufficient rights" in BotRuntime.objects.get().reading_error
    http.get(STATE, json={"result": [entry(1)]})
    http.get(MESSAGES, json={"result": [message("1" * 32, "Hello")]})
    looking.look(due.pk)
    assert texts(due) == ["Hello"]


def test_a_read_that_hides_our_chats_proves_nothing(http, due):
    shows(http, entries=[])

    reconcile(due.bot_id)

    error = BotRuntime.objects.get().reading_error
    assert error.startswith("ServiceNow shows us none of the chats")
    due.refresh_from_db()
    assert due.pending_end is None
    assert due.must_read


def test_a_read_that_hides_messages_that_we_have_proves_nothing(http, due):
    begin = now() - timedelta(hours=1)
    again(reconcile_from=begin)
    tell(due, message("1" * 32, "Hello", timestamp=ago(60)))
    shows(http)

    reconcile(due.bot_id)

    runtime = BotRuntime.objects.get()
    assert runtime.reading_error.startswith("ServiceNow shows us none of the messages")
    assert runtime.reconcile_from == begin


def test_a_good_read_clears_what_was_said_of_bad_ones(http, due):
    again(reading_error="ServiceNow answered 403.")
    shows(http)

    reconcile(due.bot_id)

    assert BotRuntime.objects.get().reading_error == ""


def test_one_chat_that_is_missing_among_others_is_looked_at(http, due):
    request = services.StartRequest(conversation_id="c-2", message="Hi")
    second = services.start_handoff(bot=due.bot, request=request).handoff
    Handoff.objects.filter(pk=second.pk).update(
        group_id="7" * 32, entry_id="8" * 32, state="queued"
    )
    shows(http)

    reconcile(due.bot_id)

    due.refresh_from_db()
    second.refresh_from_db()
    assert (due.poll_at, second.poll_at is None) == (None, False)
    assert Message.objects.filter(recovered=True).count() == 0
