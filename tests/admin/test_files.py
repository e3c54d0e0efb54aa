"""Limits of files on a bot's page, and the files of a handoff."""

from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.utils.timezone import now

from handoff import files
from handoff.models import Attachment, Bot, Handoff, Message
from tests.admin.people import make_bot, page

pytestmark = pytest.mark.django_db


def test_limits_are_stored_and_shown(alice, bot):
    alice.save_bot(
        bot,
        max_attachments="3",
        max_attachment_megabytes="25",
        attachment_types=" Image/* \r\n\r\napplication/pdf\r\nimage/*",
    )
    bot.refresh_from_db()
    assert (bot.max_attachments, bot.max_attachment_megabytes) == (3, 25)
    assert bot.attachment_types == ["image/*", "application/pdf"]
    html = page(alice.get("handoff_bot_change", bot.pk))
    assert "image/*\napplication/pdf</textarea>" in html


def test_a_bot_may_go_without_files(alice, bot):
    alice.save_bot(bot, max_attachments="0", attachment_types="")
    bot.refresh_from_db()
    assert (bot.max_attachments, bot.attachment_types) == (0, [])


@pytest.mark.parametrize(
    ("field", "value", "sentence"),
    [
        ("max_attachments", "-1", "greater than or equal to 0"),
        ("max_attachments", "21", "less than or equal to 20"),
        ("max_attachments", "", "required"),
        ("max_attachment_megabytes", "0", "greater than or equal to 1"),
        ("max_attachment_megabytes", "26", "less than or equal to 25"),
        ("attachment_types", "", "Name a type, or set Files per message to 0."),
        ("attachment_types", "pdf", "“pdf” is no MIME type"),
        ("attachment_types", "*/*", "“*/*” is no MIME type"),
        ("attachment_types", "image/*x", "“image/*x” is no MIME type"),
        ("attachment_types", "image/[a-z]", "is no MIME type"),
        ("attachment_types", f"image/{'x' * 100}", "at most 100"),
    ],
)
def test_a_limit_that_makes_no_sense_is_explained(alice, bot, field, value, sentence):
    assert sentence in page(alice.save_bot(bot, **{field: value}))


@pytest.fixture
def handoff(bot: Bot) -> Handoff:
    return Handoff.objects.create(bot=bot, conversation_id="c-1")


def attach(handoff: Handoff, **columns: Any) -> Attachment:
    """Return a file of the agent's, of 15 bytes unless told otherwise."""
    content = BytesIO(b"what it says <>")
    file = files.store(
        bot=handoff.bot, file_name="<i>note.txt", content=content, handoff=handoff
    )
    file.message = Message.objects.create(handoff=handoff, role="agent", text="Here")
    for name, value in columns.items():
        setattr(file, name, value)
    file.save()
    return file


def timeline(alice: Any, handoff: Handoff) -> str:
    html: str = alice.get("handoff_handoff_change", handoff.pk).content.decode()
    return html


def test_a_message_is_shown_with_its_files(alice, handoff):
    file = attach(handoff)
    html = timeline(alice, handoff)
    assert "&lt;i&gt;note.txt" in html
    assert "text/plain" in html
    assert "15\xa0bytes" in html
    assert f"/files/{file.pk}/" in html
    assert "fetched" not in html


def test_a_file_that_waits_for_servicenow_is_told_from_one_that_was_fetched(
    alice, handoff
):
    file = attach(handoff, offered_at=now())
    assert "not fetched yet" in timeline(alice, handoff)
    file.fetched_at = now()
    file.save()
    assert f"fetched {file.fetched_at:%Y-%m-%d}" in timeline(alice, handoff)


def test_a_file_that_never_came_is_shown_with_the_reason(alice, handoff):
    attach(handoff, error="It is larger than 10 MB.")
    html = timeline(alice, handoff)
    assert "It is larger than 10 MB." in html
    assert "/files/" not in html


def test_a_file_that_is_over_is_no_link(alice, handoff):
    attach(handoff, expires_at=now())
    html = timeline(alice, handoff)
    assert f"deleted on {now():%Y-%m-%d}" in html
    assert "/files/" not in html


def test_what_the_user_chose_and_what_the_agent_was_told_is_shown(alice, handoff):
    Message.objects.create(
        handoff=handoff, role="user", text="Very", choice_value="rating_3"
    )
    Message.objects.create(
        handoff=handoff, role="agent", text="Hello", receipt="delivered"
    )
    html = timeline(alice, handoff)
    assert "chose rating_3" in html
    assert "receipt delivered" in html


def test_a_file_is_downloaded_and_never_shown(alice, handoff):
    file = attach(handoff, content_type="text/html")
    answer = alice.get("handoff_handoff_file", handoff.pk, file.pk)
    assert answer.getvalue() == b"what it says <>"
    assert answer["Content-Disposition"].startswith("attachment; filename=")
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Length"] == "15"
    entry = LogEntry.objects.get()
    assert (entry.user.username, entry.object_id) == ("alice", str(handoff.pk))
    assert entry.change_message == "Read the file <i>note.txt."


@pytest.mark.parametrize(
    "columns", [{"error": "refused"}, {"expires_at": now() - timedelta(seconds=1)}]
)
def test_a_file_without_content_is_not_found(alice, handoff, columns):
    file = attach(handoff, **columns)
    answer = alice.get("handoff_handoff_file", handoff.pk, file.pk)
    assert answer.status_code == 404
    assert not LogEntry.objects.exists()


def test_another_handoffs_file_is_not_found_through_ones_own(alice, handoff):
    rival = Handoff.objects.create(bot=make_bot("Rival"), conversation_id="c-2")
    file = attach(rival)
    answer = alice.get("handoff_handoff_file", handoff.pk, file.pk)
    assert answer.status_code == 404
    assert alice.get("handoff_handoff_file", rival.pk, file.pk).status_code == 404


def test_files_cost_the_page_the_same_however_many_they_are(
    alice, handoff, django_assert_max_num_queries
):
    for _ in range(20):
        attach(handoff)
    with django_assert_max_num_queries(30):
        timeline(alice, handoff)
