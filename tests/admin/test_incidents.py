"""Incidents on the pages: whether they are wanted, what became of them."""

import pytest
from django.utils.timezone import now

from handoff.models import Bot, Handoff, Lane, Outgoing
from handoff.models.bot import WithoutAgent
from handoff.models.lane import Direction
from tests.admin.people import page

pytestmark = pytest.mark.django_db

GROUP = "9" * 32
URL = "https://example.service-now.com/incident.do?sys_id=1"


@pytest.fixture
def bot(bot: Bot) -> Bot:
    bot.without_agent = WithoutAgent.INCIDENT
    bot.save()
    return bot


@pytest.fixture
def handoff(bot: Bot) -> Handoff:
    """One that failed, and whose incident was asked for."""
    handoff = Handoff.objects.create(
        bot=bot,
        conversation_id="c-1",
        state="failed",
        reason="wait_timeout",
        ended_by="system",
        ended_at=now(),
    )
    lane = Lane.objects.create(
        bot=bot, handoff=handoff, direction=Direction.TO_SERVICENOW
    )
    Outgoing.objects.create(lane=lane, sequence=1, kind=Outgoing.Kind.TICKET)
    return handoff


def test_what_follows_when_no_agent_comes_is_chosen_on_the_page(alice, bot):
    alice.save_bot(bot, without_agent="incident", assignment_group=GROUP.upper())
    bot.refresh_from_db()
    assert (bot.without_agent, bot.assignment_group) == ("incident", GROUP)


def test_a_group_that_is_no_sys_id_is_explained(alice, bot):
    answer = alice.save_bot(bot, without_agent="incident", assignment_group="Desk")
    assert "choose Copy sys_id" in page(answer)


def test_the_group_is_asked_for_only_with_incidents(alice, bot):
    html = page(alice.get("handoff_bot_change", bot.pk))
    before = html[: html.index('name="assignment_group"')]
    condition = before.rsplit('x-show="', 1)[1].split('"', 1)[0]
    assert condition == "without_agent === 'incident'"
    alice.save_bot(bot, without_agent="bot", assignment_group="Desk")
    bot.refresh_from_db()
    assert (bot.without_agent, bot.assignment_group) == ("bot", "")


def test_a_handoffs_page_leads_to_its_incident(alice, handoff):
    url = ("handoff_handoff_change", handoff.pk)
    assert "INC0010001" not in page(alice.get(*url))
    ticket = {"number": "INC0010001", "sys_id": "1", "url": URL}
    Handoff.objects.update(ticket=ticket)
    html = page(alice.get(*url))
    assert f'href="{URL}">INC0010001</a>' in html


@pytest.mark.parametrize(
    ("state", "error", "shown"),
    [
        ("pending", "", "None yet"),
        ("sent", "", "minutes ago"),
        ("failed", "answered 403: no role", "ago: answered 403: no role"),
    ],
)
def test_health_tells_what_became_of_the_last_incident(
    alice, handoff, state, error, shown
):
    settled_at = None if state == "pending" else now()
    Outgoing.objects.update(state=state, last_error=error, settled_at=settled_at)
    html = page(alice.get("handoff_bot_change", handoff.bot.pk))
    line = html.split("Incidents where no agent came", 1)[1].split("</dd>", 1)[0]
    assert shown in line


def test_health_says_where_no_incidents_are_wanted(alice, bot):
    Bot.objects.update(without_agent=WithoutAgent.BOT)
    html = page(alice.get("handoff_bot_change", bot.pk))
    line = html.split("Incidents where no agent came", 1)[1].split("</dd>", 1)[0]
    assert "Not wanted" in line


def test_the_chat_system_stays_until_what_a_handoff_left_is_sent(alice, bot, handoff):
    other = {"chat_system": "agent_chat", "callback_authentication": "header"}
    assert "1 open handoffs use Connect Support" in page(alice.save_bot(bot, **other))

    Outgoing.objects.update(state="sent")
    alice.save_bot(bot, **other)

    bot.refresh_from_db()
    assert bot.chat_system == "agent_chat"
