"""Files of the agent on their way to the bot."""

from datetime import timedelta
from typing import Any

import pytest
import requests
from django.utils.timezone import now

from handoff import chat_systems, files
from handoff.chat_systems import InboundFile, InboundMessage, Speaker
from handoff.models import Attachment, Bot, Callback, Event, Handoff
from handoff.relay import file_transfer, inbox, looking
from servicenow_auth.client import Instance
from servicenow_auth.exceptions import Ambiguous
from tests.files.samples import PNG
from tests.relay.conftest import ENVELOPE, GROUP, HOST, MESSAGES, message
from tests.relay.test_inbox import receive, said

pytestmark = pytest.mark.django_db

FILE = "f1" * 16
OTHER = "f2" * 16
LISTED = f"{HOST}/api/now/table/sys_attachment"


def content_of(sys_id: str = FILE) -> str:
    return f"{HOST}/api/now/attachment/{sys_id}/file"


def row(sys_id: str = FILE, name: str = "x.png") -> dict[str, str]:
    created = "2026-11-22 10:00:00"
    shown = {"sys_id": sys_id, "file_name": name, "sys_created_on": created}
    return shown | {"sys_created_by": "beth"}


def shown(*sys_ids: str) -> list[dict[str, str]]:
    return [{"sys_id": sys_id, "file_name": "x.png"} for sys_id in sys_ids]


def told() -> list[dict[str, Any]]:
    created = Event.objects.filter(type="message.created").order_by("sequence")
    return [event.payload["data"] for event in created]


def test_a_picture_of_the_agent_reaches_the_bot(http, running):
    http.get(LISTED, json={"result": [row()]})
    http.get(content_of(), body=PNG)

    receive(running, said("1" * 32, "File: x.png"))

    [message] = told()
    kept = Attachment.objects.get()
    assert (message["text"], message["html"]) == ("", None)
    assert message["attachments"] == [files.describe(kept)]
    assert b"".join(files.pieces(kept)) == PNG
    assert (kept.handoff, kept.source, kept.message.role) == (running, FILE, "agent")


def test_a_text_that_only_looks_like_a_file_is_relayed(http, running):
    http.get(LISTED, json={"result": []})

    receive(running, said("1" * 32, "File: complaint"))

    assert [(m["text"], m["attachments"]) for m in told()] == [("File: complaint", [])]


def test_two_files_of_one_name_are_two_files(http, running):
    http.get(LISTED, json={"result": [row(OTHER), row(FILE)]})
    http.get(content_of(FILE), body=PNG)
    http.get(content_of(OTHER), body=PNG + b"2")

    receive(running, *(said(n * 32, "File: x.png") for n in "12"))

    sources = [Attachment.objects.get(pk=m["attachments"][0]["id"]) for m in told()]
    assert {attachment.source for attachment in sources} == {FILE, OTHER}


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ({"status": 404, "json": ENVELOPE}, "ServiceNow answered 404"),
        ({"status": 403, "json": ENVELOPE}, "ServiceNow answered 403"),
        ({"body": b""}, "The file is empty."),
        ({"body": b"<svg/>"}, "Files of this kind (SVG) are not taken. Allowed:"),
        ({"body": b"x" * 1_048_577}, "The file is larger than 1 MB."),
    ],
)
def test_a_file_that_cannot_be_had_is_told_with_the_reason(
    http, running, answer, reason
):
    Bot.objects.update(max_attachment_megabytes=1)
    http.get(content_of(), **answer)

    receive(running, said("1" * 32, "Look", attachments=shown(FILE)))

    [message] = told()
    [attachment] = message["attachments"]
    assert (message["text"], attachment["url"]) == ("Look", None)
    assert attachment["error"].startswith(reason)


def test_more_files_than_the_bot_takes_are_told_of(http, running):
    Bot.objects.update(max_attachments=1)
    http.get(content_of(), body=PNG)

    receive(running, said("1" * 32, "", attachments=shown(FILE, OTHER)))

    first, second = told()[0]["attachments"]
    assert (first["error"], second["error"]) == (None, file_transfer.TOO_MANY)


def test_a_file_that_may_still_be_had_is_waited_for(http, running):
    http.get(content_of(), body=requests.ConnectTimeout())
    http.get(content_of(), body=PNG)

    receive(running, said("1" * 32, "", attachments=shown(FILE)))
    assert told() == []
    inbox.process(bot_id=running.bot_id, group_id=GROUP)

    assert told()[0]["attachments"][0]["error"] is None


def test_a_file_is_not_waited_for_for_ever(http, running):
    http.get(content_of(), status=503, body="<html>")
    receive(running, said("1" * 32, "", attachments=shown(FILE)))
    Callback.objects.update(received_at=now() - timedelta(minutes=2))

    inbox.process(bot_id=running.bot_id, group_id=GROUP)

    assert told()[0]["attachments"][0]["error"].startswith("ServiceNow answered 503")


def incoming(*sources: str) -> InboundMessage:
    return InboundMessage(
        group_id=GROUP,
        sys_id="1" * 32,
        speaker=Speaker.AGENT,
        text="",
        files=[InboundFile(source=source, file_name="x.png") for source in sources],
    )


def fetch(handoff: Handoff, message: InboundMessage) -> list[Attachment]:
    with Instance(handoff.bot.connection) as instance:
        system = chat_systems.connect(handoff.bot, instance)
        return file_transfer.fetch(handoff, system, message, give_up=False)


def test_what_was_fetched_before_a_worker_died_is_not_fetched_again(http, running):
    http.get(content_of(FILE), body=PNG)
    http.get(content_of(OTHER), status=500, body="<html>")
    with pytest.raises(Ambiguous):
        fetch(running, incoming(FILE, OTHER))
    http.replace("GET", content_of(OTHER), body=PNG)

    fetched = fetch(running, incoming(FILE, OTHER))

    assert [attachment.source for attachment in fetched] == [FILE, OTHER]
    urls = [call.request.url for call in http.calls]
    assert (urls.count(content_of(FILE)), urls.count(content_of(OTHER))) == (1, 2)


def test_a_list_of_files_that_is_refused_leaves_the_text(http, running):
    http.get(LISTED, status=403, json=ENVELOPE)

    receive(running, said("1" * 32, "File: x.png"))

    assert [(m["text"], m["attachments"]) for m in told()] == [("File: x.png", [])]


def test_a_name_from_servicenow_is_cleaned(http, running):
    hostile = [{"sys_id": FILE, "file_name": "../a\u202egnp.exe"}]
    http.get(content_of(), body=PNG)

    receive(running, said("1" * 32, "", attachments=hostile))

    assert told()[0]["attachments"][0]["file_name"] == "agnp.exe.png"


def test_a_file_that_is_kept_by_another_name_is_not_named_in_the_text(http, running):
    http.get(LISTED, json={"result": [row(name="x.hta")]})
    http.get(content_of(), body=PNG)

    receive(running, said("1" * 32, "File: x.hta"))

    [message] = told()
    assert message["text"] == ""
    assert message["attachments"][0]["file_name"] == "x.hta.png"


@pytest.mark.parametrize(("age", "told_now"), [(5, False), (40, True)])
def test_an_end_waits_for_a_file_as_for_a_read(http, running, age, told_now):
    """The file cannot be had; the messages can."""
    running.state, running.pending_end_at = "accepted", now() - timedelta(seconds=age)
    running.accepted_at = now()
    running.pending_end = {"reason": "completed", "ended_by": "agent"}
    running.save()
    http.get(MESSAGES, json={"result": [message("1" * 32, "File: x.png")]})
    http.get(LISTED, json={"result": [row()]})
    http.get(content_of(), status=502)

    looking.look(running.pk)

    running.refresh_from_db()
    assert [len(one["attachments"]) for one in told()] == [1] * told_now
    assert running.is_final == told_now


def test_a_file_is_fetched_by_one_worker_at_a_time(http, running):
    """The sweep rings again while a slow file is on its way."""
    asked = []

    def ring_meanwhile(request: Any) -> tuple[int, dict[str, str], bytes]:
        asked.append(request.url)
        if len(asked) == 1:
            inbox.process(bot_id=running.bot_id, group_id=GROUP)
        return 200, {}, PNG

    http.add_callback("GET", content_of(), ring_meanwhile)

    receive(running, said("1" * 32, "", attachments=shown(FILE)))

    assert (len(asked), Attachment.objects.count(), len(told())) == (1, 1, 1)


def test_a_file_that_a_worker_died_of_is_fetched_by_another(http, running):
    def die(request: Any) -> tuple[int, dict[str, str], bytes]:
        raise SystemExit

    http.add_callback("GET", content_of(), die)
    with pytest.raises(SystemExit):
        receive(running, said("1" * 32, "", attachments=shown(FILE)))
    http.remove("GET", content_of())
    http.get(content_of(), body=PNG)

    inbox.process(bot_id=running.bot_id, group_id=GROUP)
    assert told() == []
    Callback.objects.update(fetched_until=now())
    inbox.process(bot_id=running.bot_id, group_id=GROUP)

    assert told()[0]["attachments"][0]["error"] is None


def test_no_file_is_asked_for_while_servicenow_wants_to_rest(http, running):
    http.get(content_of(), status=429, json=ENVELOPE, headers={"Retry-After": "60"})

    receive(running, said("1" * 32, "", attachments=shown(FILE)))
    inbox.process(bot_id=running.bot_id, group_id=GROUP)

    assert len(http.calls) == 1
    assert Bot.objects.get().connection.runtime.pause_ends_at is not None
