import io
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils.timezone import now

from handoff import services
from handoff.models import Bot, BotRuntime, Handoff, Heartbeat, Outgoing
from tests.admin.people import HOST, ME, QUEUE, make_bot

pytestmark = pytest.mark.django_db
ENTRIES = f"{HOST}/api/now/connect/support/sessions"


@pytest.fixture
def handoff() -> Handoff:
    make_bot("Shop")
    Bot.objects.update(enabled=True)
    request = services.StartRequest(conversation_id="c-1", message="Help!")
    return services.start_handoff(bot=Bot.objects.get(), request=request).handoff


def run(*arguments: str, since: str = "2026-01-01T03:00") -> str:
    out = io.StringIO()
    call_command("after_restore", "--since", since, *arguments, stdout=out)
    return out.getvalue()


def shows(http, *entries: dict[str, Any]) -> None:
    http.get(ENTRIES, json={"result": list(entries)})


def test_it_says_what_it_did(http, handoff):
    shows(http)

    said = run()

    assert "of unknown outcome now, to be looked up: 1" in said
    assert "anew: 1" in said
    assert Outgoing.objects.get().state == "sending"
    assert BotRuntime.objects.get().feed_sequence > 0


def test_a_dry_run_changes_nothing(http, handoff):
    shows(http)

    said = run("--dry-run")

    assert "to be looked up: 1" in said
    assert said.endswith("Nothing was changed.\n")
    assert Outgoing.objects.get().state == "pending"
    assert BotRuntime.objects.get().feed_sequence == 0


def test_it_names_the_chats_that_nobody_knows_of(http, handoff):
    chat = {"group": "c" * 32, "state": 2, "number": "CHAT0010099"}
    shows(http, chat | {"opened_by": ME["sys_id"]})

    assert f"Shop: CHAT0010099 in queue {QUEUE} is open in ServiceNow" in run()


def test_an_instance_that_cannot_be_asked_holds_nothing_up(http, handoff):
    http.get(ENTRIES, status=503, body="<html>")

    said = run()

    assert "Shop: which chats were forgotten could not be asked:" in said
    assert Outgoing.objects.get().state == "sending"


def test_it_refuses_while_processes_are_at_work_unless_forced(http, handoff):
    Heartbeat.objects.create(name="sweep", at=now())
    with pytest.raises(CommandError, match="stop all of them"):
        run()
    assert Outgoing.objects.get().state == "pending"

    shows(http)
    run("--force")
    assert Outgoing.objects.get().state == "sending"


@pytest.mark.parametrize("since", ["yesterday", "2026-13-01", "2999-01-01T00:00"])
def test_a_time_that_cannot_be_is_refused(handoff, since):
    with pytest.raises(CommandError):
        run(since=since)
    assert Outgoing.objects.get().state == "pending"
