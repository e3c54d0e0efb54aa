"""A bot uploads a file and puts it into a message."""

import pytest
from django.utils.timezone import now

from handoff import files
from handoff.files.storing import MEGABYTE
from handoff.models import Attachment, Bot, Message, Outgoing
from handoff.services.attachments import MAX_OPEN_UPLOAD_BYTES
from tests.api.bots import Api
from tests.files.samples import BORDER, PNG, part, send, upload

pytestmark = pytest.mark.both_databases


TEXT = f'--{BORDER}\r\nContent-Disposition: form-data; name="x"\r\n\r\ny\r\n'.encode()


@pytest.fixture
def messages(handoff_id: str) -> str:
    return f"/handoffs/{handoff_id}/messages"


def refusal(answer) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def test_an_upload_is_known_by_its_content(api, bot):
    answer = upload(api, name="../../tür\u202e.html")

    assert answer.status_code == 201
    kept = Attachment.objects.get()
    assert answer.json() == files.describe(kept)
    assert (kept.bot, kept.file_name, kept.content_type) == (
        bot,
        "tür.html.png",
        "image/png",
    )
    assert b"".join(files.pieces(kept)) == PNG


@pytest.mark.parametrize(
    "parts",
    [
        [],
        [TEXT],
        [part(field="other")],
        [part(), TEXT],
        [TEXT, part()],
        [part(), part(field="other")],
        [part(), part()],
        [part(name="")],
        [part(name="..")],
        [part(name="\u202e")],
        [part(b"")],
        [part(b"<html>")],
    ],
)
def test_anything_but_one_good_file_is_refused(api, parts):
    answer = send(api, *parts)

    assert refusal(answer) == (422, "attachment_refused")
    assert not Attachment.objects.exists()


def test_only_a_form_is_read(api):
    assert api.post("/attachments", {"file": "x"}).status_code == 415
    broken = api.client.post(
        "/api/v1/attachments", b"--x", content_type="multipart/form-data"
    )
    assert refusal(broken) == (400, "malformed_body")


def test_an_upload_needs_a_key(db):
    assert upload(Api()).status_code == 401


@pytest.mark.parametrize("size", [MEGABYTE + 1, 2 * MEGABYTE])
def test_a_file_that_is_too_large_is_refused(api, bot, size):
    Bot.objects.update(max_attachment_megabytes=1)

    assert refusal(upload(api, PNG.ljust(size))) == (413, "body_too_large")
    assert not Attachment.objects.exists()


def test_what_is_announced_as_too_large_is_not_read(api):
    """Read, it would be no form."""
    answer = api.client.generic(
        "POST",
        "/api/v1/attachments",
        b"no form",
        content_type="multipart/form-data; boundary=x",
        CONTENT_LENGTH=str(20 * MEGABYTE),
    )

    assert refusal(answer) == (413, "body_too_large")


def test_uploads_count_against_the_rate(api, settings):
    settings.RATE_LIMIT_PER_BOT = 1
    upload(api)

    assert refusal(upload(api)) == (429, "rate_limited")


def test_uploads_that_no_message_uses_are_limited(api, messages, settings):
    settings.MAX_OPEN_UPLOADS = 1
    used = upload(api).json()["id"]
    assert refusal(upload(api)) == (429, "too_many_open_items")

    api.post(messages, {"id": "m-1", "attachments": [used]})

    assert upload(api).status_code == 201


def test_uploads_that_no_message_uses_are_limited_by_their_size(api, messages):
    used = upload(api).json()["id"]
    Attachment.objects.update(size=MAX_OPEN_UPLOAD_BYTES)
    assert refusal(upload(api)) == (429, "too_many_open_items")

    api.post(messages, {"id": "m-1", "attachments": [used]})

    assert upload(api).status_code == 201


def test_a_message_carries_its_text_and_then_its_files(api, messages):
    ids = [upload(api, name=name).json()["id"] for name in ("b.png", "a.png")]

    said = {"id": "m-1", "text": "Look: " + "x" * 4_000, "attachments": ids[::-1]}
    answer = api.post(messages, said)

    assert answer.status_code == 202
    told = {file["id"]: file["file_name"] for file in answer.json()["attachments"]}
    assert told == dict(zip(ids, ("b.png", "a.png"), strict=True))
    parts = Outgoing.objects.filter(message__client_id="m-1").order_by("sequence")
    assert [(item.part, item.text[:11]) for item in parts] == [
        (0, "Look: xxxxx"),
        (1, "x" * 11),
        (2, "File: a.png"),
        (3, "File: b.png"),
    ]
    assert [part.attachment_id for part in parts[:2]] == [None, None]
    assert [str(part.attachment_id) for part in parts[2:]] == ids[::-1]


@pytest.mark.parametrize("text", [{}, {"text": ""}, {"text": " \n"}])
def test_a_file_needs_no_text(api, messages, text):
    ids = [upload(api).json()["id"]]

    answer = api.post(messages, {"id": "m-1", "attachments": ids, **text})

    assert answer.status_code == 202
    parts = Outgoing.objects.filter(message__client_id="m-1")
    assert [part.text for part in parts] == ["File: door.png"]


def test_a_repeat_with_the_same_files_gets_the_same_answer(api, messages):
    said = {"id": "m-1", "text": "Look", "attachments": [upload(api).json()["id"]]}

    first, again = api.post(messages, said), api.post(messages, said)

    assert (first.status_code, again.status_code) == (202, 200)
    assert first.json() == again.json()
    other = api.post(messages, said | {"attachments": []})
    assert refusal(other) == (409, "id_conflict")


def test_a_file_goes_into_one_message(api, messages):
    said = {"id": "m-1", "attachments": [upload(api).json()["id"]]}
    api.post(messages, said)

    assert refusal(api.post(messages, said | {"id": "m-2"})) == (
        422,
        "attachment_refused",
    )
    assert not Message.objects.filter(client_id="m-2").exists()


def test_only_own_fresh_uploads_can_be_named(api, stranger, messages, handoff_id):
    foreign, expired, fetched = (
        upload(each).json()["id"] for each in (stranger, api, api)
    )
    Attachment.objects.filter(pk=expired).update(expires_at=now())
    # What ServiceNow sent lies there until its message is taken in.
    Attachment.objects.filter(pk=fetched).update(handoff=handoff_id)
    good = upload(api).json()["id"]

    for bad in (foreign, expired, fetched, handoff_id, good):
        answer = api.post(messages, {"id": "m-1", "attachments": [good, bad]})
        assert refusal(answer) == (422, "attachment_refused"), bad

    assert not Message.objects.filter(client_id="m-1").exists()
    assert Attachment.objects.get(pk=good).message is None


def test_the_number_of_files_in_a_message_is_limited(api, messages):
    ids = [upload(api).json()["id"] for _ in range(6)]

    answer = api.post(messages, {"id": "m-1", "attachments": ids})

    assert refusal(answer) == (422, "attachment_refused")
    assert "at most 5 files" in answer.json()["detail"]


def test_files_are_listed_with_their_messages(api, messages, handoff_id):
    kept = upload(api).json()
    api.post(messages, {"id": "m-1", "attachments": [kept["id"]]})

    question, said = api.get(messages).json()["items"]
    transcript = api.get(f"/handoffs/{handoff_id}/transcript").json()

    assert (question["attachments"], said["attachments"]) == ([], [kept])
    assert transcript["items"][1]["attachments"] == [kept]
