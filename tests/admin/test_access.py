import uuid
from datetime import UTC, datetime

import pytest
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group
from django.urls import URLPattern, reverse

import config.urls  # noqa: F401 - registers the pages
from handoff import services
from handoff.models import ApiKey, Attachment, Bot, Callback, Handoff, SigningSecret
from tests.admin.people import Admin, developer, page

LATER = datetime(2100, 1, 1, tzinfo=UTC)
OURS = ("handoff_bot", "handoff_handoff", "handoff_callback")


@pytest.fixture
def handoff(bot: Bot) -> Handoff:
    return Handoff.objects.create(bot=bot, conversation_id="alices-conversation")


@pytest.fixture
def callback(bot: Bot) -> Callback:
    return Callback.objects.create(bot=bot, body="{}", authenticated_by="signature")


def addresses() -> list[URLPattern]:
    """Return every address of our pages that names a row, the buttons' included."""
    found = []
    for included in admin.site.urls[0]:
        for pattern in getattr(included, "url_patterns", []):
            name = getattr(pattern, "name", None) or ""
            if name.startswith(OURS) and pattern.pattern.converters:
                found.append(pattern)
    return found


def test_there_are_addresses_to_test():
    names = {pattern.name for pattern in addresses()}
    assert {"handoff_bot_change", "handoff_bot_history", "handoff_bot_delete"} <= names
    assert {"handoff_bot_disconnect", "handoff_bot_revoke_api_key"} <= names


@pytest.mark.parametrize("pattern", addresses(), ids=lambda pattern: pattern.name)
@pytest.mark.parametrize("method", ["get", "post"])
def test_a_strangers_rows_are_nowhere(method, pattern, bob, bot, handoff, callback):
    key, _ = services.create_api_key(bot=bot)
    file = Attachment.objects.create(bot=bot, handoff=handoff, expires_at=LATER)
    rows = {"bot": bot, "handoff": handoff, "callback": callback}
    row = rows[pattern.name.split("_")[1]]
    values = {
        "object_id": row.pk,
        "bot_id": bot.pk,
        "handoff_id": handoff.pk,
        "file_id": file.pk,
        "key_id": key.pk,
        "purpose": "webhook",
    }
    path = {name: values[name] for name in pattern.pattern.converters}
    url = reverse(f"admin:{pattern.name}", kwargs=path)

    answer = getattr(bob.client, method)(url, {"post": "yes"}, follow=True)

    assert answer.status_code in {403, 404, 405}
    assert "alices-conversation" not in page(answer)
    assert ApiKey.objects.get().revoked_at is None
    assert not SigningSecret.objects.exists()
    assert not LogEntry.objects.exists()


@pytest.mark.parametrize("name", OURS)
def test_lists_show_the_rows_of_ones_own_groups(name, alice, bob, olga, bot, handoff):
    Callback.objects.create(bot=bot, body="{}", authenticated_by="signature")
    for admin_of, seen in ((alice, True), (bob, False), (olga, True)):
        listed = page(admin_of.get(f"{name}_changelist"))
        assert (f"/admin/{name.replace('_', '/')}/" in _rows(listed)) is seen
        assert ("Shop" in listed) is seen


def _rows(html: str) -> str:
    return html.split('id="result_list"', 1)[-1] if "result_list" in html else ""


def test_a_filter_by_a_strangers_bot_finds_nothing(bob, bot, handoff):
    answer = bob.get("handoff_handoff_changelist", bot=bot.pk)
    assert "alices-conversation" not in page(answer)


def test_a_developer_gives_a_bot_to_groups_of_his_own_only(alice, bot):
    stranger = Group.objects.create(name="Bank team")
    answer = alice.save_bot(bot, owner_group=str(stranger.pk))
    assert answer.status_code == 200
    assert "Bank team" not in page(answer)
    bot.refresh_from_db()
    assert bot.owner_group.name == "Shop team"


def test_a_developer_cannot_give_a_bot_to_nobody(alice, bot):
    assert "This field is required" in page(alice.save_bot(bot, owner_group=""))


def test_the_connection_follows_the_bot_to_its_new_owner(olga, bot):
    other = Group.objects.create(name="Bank team")
    olga.save_bot(bot, owner_group=str(other.pk))
    bot.connection.refresh_from_db()
    assert bot.connection.owner_group == other


def test_a_developer_sees_no_users_and_no_groups(alice):
    for name in ("auth_user_changelist", "auth_group_changelist", "auth_user_add"):
        assert alice.get(name).status_code == 403
    assert "Users" not in page(alice.get("index"))


def test_autocomplete_names_no_strangers_bot(bob, bot):
    query = {
        "app_label": "handoff",
        "model_name": "handoff",
        "field_name": "bot",
        "term": "Shop",
    }
    answer = bob.get("autocomplete", **query)
    assert answer.status_code == 403 or "Shop" not in page(answer)


def test_what_the_product_wrote_is_not_edited(olga, handoff, callback):
    for name, row in (("handoff", handoff), ("callback", callback)):
        assert olga.get(f"handoff_{name}_add").status_code == 403
        assert olga.post(f"handoff_{name}_change", row.pk).status_code == 403
        assert olga.post(f"handoff_{name}_delete", row.pk).status_code == 403


def test_a_row_that_does_not_exist_is_404(olga):
    assert olga.get("handoff_bot_change", uuid.uuid4()).status_code == 404
    assert olga.get("handoff_handoff_change", "nonsense").status_code == 404


def test_a_bot_with_handoffs_stays(alice, bot, handoff):
    assert alice.post("handoff_bot_delete", bot.pk, post="yes").status_code == 403
    assert Bot.objects.exists()


def test_a_bot_goes_with_its_connection(alice, bot, callback):
    assert alice.post("handoff_bot_delete", bot.pk, post="yes").status_code == 302
    assert not Bot.objects.exists()
    assert not type(bot.connection).objects.exists()


def test_two_developers_of_one_group_share_its_bots(alice, group, bot):
    carol = Admin(developer("carol", group=group))
    assert carol.get("handoff_bot_change", bot.pk).status_code == 200
