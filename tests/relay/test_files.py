"""Files of the user on their way to the agent."""

import json
from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
import responses
from django.utils.timezone import now

from handoff import files, services
from handoff.models import (
    Attachment,
    AttachmentPiece,
    Event,
    Handoff,
    Message,
    Outgoing,
)
from handoff.relay import watching
from handoff.relay.file_transfer import NOT_FETCHED, outbound
from servicenow_auth.exceptions import Rejected
from tests.files.samples import PNG
from tests.relay.agent_chat import ACCEPTED, LEFT, WAITING, call_back, drain, pass_time
from tests.relay.conftest import (
    ENVELOPE,
    GROUP,
    HOST,
    MESSAGES,
    VIRTUAL_AGENT,
    events,
    post,
    states,
)

pytestmark = pytest.mark.django_db

UPLOAD = f"{HOST}/api/now/attachment/file"
TAKEN = {"result": {"sys_id": "f" * 32}}


def upload(handoff: Handoff, name: str = "door.png") -> Attachment:
    return services.upload_attachment(
        bot=handoff.bot, file_name=name, content=BytesIO(PNG)
    )


def say(handoff: Handoff, *attachments: Attachment, text: str = "") -> None:
    ids = [attachment.pk for attachment in attachments]
    new = services.NewMessage(id="m-1", text=text, attachments=ids)
    services.post_message(handoff_id=handoff.pk, bot=handoff.bot, message=new)


def told(kind: str) -> list[dict[str, Any]]:
    return [event.payload["data"] for event in Event.objects.filter(type=kind)]


def test_a_file_follows_its_text_and_both_make_one_delivery(http, running):
    say(running, upload(running), text="See")
    http.post(MESSAGES, json=TAKEN)
    uploaded = http.post(UPLOAD, status=201, json=TAKEN)

    drain(running)

    posted = [
        json.loads(c.request.body) for c in http.calls if c.request.url == MESSAGES
    ]
    assert [body["message"] for body in posted] == ["See", "File: door.png"]
    assert posted[1]["attachments"] == ["f" * 32]
    assert uploaded.calls[0].request.body == PNG
    assert f"table_sys_id={GROUP}" in str(uploaded.calls[0].request.url)
    assert events(running) == ["message.delivered"]


def test_an_upload_of_unknown_outcome_is_made_again(http, running):
    say(running, upload(running))
    post(running, "later")
    http.post(UPLOAD, status=502, body="<html>")
    http.post(UPLOAD, status=201, json=TAKEN)
    http.post(MESSAGES, json=TAKEN)

    drain(running)
    assert states(running)[1:] == ["pending", "pending"]
    drain(running)

    assert states(running)[1:] == ["sent", "sent"]
    assert events(running) == ["message.delivered"] * 2


def test_an_upload_is_given_up_before_it_blocks_the_lane_for_long(http, running):
    say(running, upload(running))
    post(running, "later")
    http.post(UPLOAD, status=502, body="<html>")
    http.post(MESSAGES, json=TAKEN)

    for _ in range(10):
        assert events(running) == []
        drain(running)
    drain(running)

    assert states(running)[1:] == ["failed", "sent"]
    assert told("message.failed")[0]["reason"] == (
        "ServiceNow answered 502 without a JSON object."
    )


def test_a_file_that_is_uploaded_is_not_uploaded_again(http, running):
    say(running, upload(running))
    uploaded = http.post(UPLOAD, status=201, json=TAKEN)
    http.post(MESSAGES, status=429, json=ENVELOPE, headers={"Retry-After": "0"})
    http.post(MESSAGES, json=TAKEN)

    drain(running)
    drain(running)

    assert states(running)[1:] == ["sent"]
    assert uploaded.call_count == 1


def test_a_closed_door_costs_an_upload_nothing(http, running):
    say(running, upload(running))
    http.post(UPLOAD, status=429, json=ENVELOPE, headers={"Retry-After": "0"})

    for _ in range(12):
        drain(running)

    assert states(running)[1:] == ["pending"]


def test_a_file_that_servicenow_refuses_is_told_with_its_reason(http, running):
    say(running, upload(running), upload(running, "b.png"))
    refused = {"error": {"message": "File type is not allowed", "detail": None}}
    http.post(UPLOAD, status=403, json=refused)

    drain(running)

    assert states(running)[1:] == ["failed", "failed"]
    [failed] = told("message.failed")
    assert (failed["id"], "not allowed" in failed["reason"]) == ("m-1", True)


def test_a_file_that_expired_on_its_way_is_told(running):
    attachment = upload(running)
    say(running, attachment)
    AttachmentPiece.objects.all().delete()
    with pytest.raises(Rejected):
        outbound(attachment).read()

    drain(running)

    [failed] = told("message.failed")
    assert failed["reason"] == "The file expired before it could be sent."


@pytest.fixture
def chatting(chat: Handoff) -> Handoff:
    """A handoff over Agent Chat that an agent accepted."""
    call_back(chat, WAITING, agentChat=True)
    call_back(chat, ACCEPTED)
    return chat


@pytest.fixture
def offered(http, chatting: Handoff) -> Attachment:
    """A file that ServiceNow was told to fetch."""
    attachment = upload(chatting)
    say(chatting, attachment, upload(chatting, "b.png"), text="See")
    http.post(VIRTUAL_AGENT, json={"status": "success"})
    drain(chatting)
    attachment.refresh_from_db()
    return attachment


def long_ago() -> None:
    Attachment.objects.update(offered_at=now() - timedelta(minutes=2))


def test_a_file_is_offered_by_an_address_that_opens_to_its_token(http, offered, client):
    shown = json.loads(http.calls[-2].request.body)["message"]["attachment"]

    answer = client.get(shown["url"], headers=shown["headers"])

    assert b"".join(answer.streaming_content) == PNG
    assert "token" not in shown["url"]


def test_a_message_is_delivered_when_the_last_of_its_files_is_fetched(
    chatting, offered
):
    assert "message.delivered" not in events(chatting)

    for attachment in Attachment.objects.all():
        assert "message.delivered" not in events(chatting)
        services.note_fetched(attachment=attachment)

    assert events(chatting)[-1] == "message.delivered"
    long_ago()
    watching.watch()
    assert events(chatting)[-1] == "message.delivered"


def test_a_file_that_is_fetched_before_the_answer_delivers_as_well(http, chatting):
    attachment = upload(chatting)
    say(chatting, attachment)
    attachment.refresh_from_db()

    def fetch_at_once(request: Any) -> tuple[int, dict[str, str], str]:
        services.note_fetched(attachment=attachment)
        return 200, {}, '{"status": "success"}'

    http.add_callback("POST", VIRTUAL_AGENT, fetch_at_once)
    drain(chatting)

    assert events(chatting)[-1] == "message.delivered"


def test_a_fetch_proves_a_file_whose_answer_was_lost(http, chatting):
    attachment = upload(chatting)
    say(chatting, attachment)
    attachment.refresh_from_db()
    http.replace(responses.POST, VIRTUAL_AGENT, status=502, body="<html>")
    drain(chatting)
    assert states(chatting)[1:] == ["sending"]

    services.note_fetched(attachment=attachment)
    drain(chatting)

    assert states(chatting)[1:] == ["sent"]
    assert events(chatting)[-1] == "message.delivered"


def test_a_file_that_nobody_fetches_fails_once(chatting, offered):
    watching.watch()
    assert "message.failed" not in events(chatting)
    long_ago()

    watching.watch()
    watching.watch()

    [failed] = told("message.failed")
    assert (failed["id"], failed["reason"]) == ("m-1", NOT_FETCHED)
    assert Message.objects.get(client_id="m-1").delivery == "failed"
    items = Outgoing.objects.exclude(attachment=None)
    assert {item.last_error for item in items} == {NOT_FETCHED}


def test_of_several_files_that_go_wrong_one_is_told(http, chatting):
    """The second waits for a throttled ServiceNow while the first is left there."""
    say(chatting, upload(chatting), upload(chatting, "b.png"))
    http.post(VIRTUAL_AGENT, json={"status": "success"})
    throttled = {"status": 429, "json": ENVELOPE, "headers": {"Retry-After": "0"}}
    http.post(VIRTUAL_AGENT, **throttled)
    drain(chatting)
    assert states(chatting) == ["sent", "sent", "pending"]
    long_ago()
    watching.watch()

    assert states(chatting) == ["sent", "failed", "failed"]
    call_back(chatting, LEFT)
    pass_time(chatting, seconds=4)

    assert len(told("message.failed")) == 1


def test_a_file_that_is_fetched_too_late_delivers_nothing(chatting, offered):
    long_ago()
    watching.watch()

    for attachment in Attachment.objects.all():
        services.note_fetched(attachment=attachment)

    assert events(chatting)[-1] == "message.failed"
    assert "message.delivered" not in events(chatting)


def test_what_has_expired_is_deleted_by_the_clock(running):
    attachment = upload(running)
    Attachment.objects.update(expires_at=now())

    watching.watch()

    with pytest.raises(AttachmentPiece.DoesNotExist):
        list(files.pieces(attachment))
