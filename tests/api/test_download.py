"""Who may have a file, and what a browser may do with it."""

from datetime import timedelta
from io import BytesIO
from typing import Any

import pytest
from django.conf import settings
from django.test import Client
from django.utils.timezone import now

from handoff import files
from handoff.files import Audience
from handoff.files.storing import PIECE
from handoff.models import Attachment, Bot, Event, Outgoing
from tests.api.bots import Api
from tests.files.samples import PNG, upload

pytestmark = pytest.mark.django_db

LARGE = PNG.ljust(2 * PIECE + 5, b"\x01")


@pytest.fixture
def kept(api) -> Attachment:
    return Attachment.objects.get(pk=upload(api, LARGE).json()["id"])


def path(attachment: Attachment) -> str:
    return f"/api/v1/attachments/{attachment.pk}"


def content(answer: Any) -> bytes:
    return b"".join(answer.streaming_content)


def get(attachment: Attachment, *, bearer: str = "", **query: str) -> Any:
    headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
    return Client(headers=headers).get(path(attachment), query)


def token(attachment: Attachment, audience: Audience = Audience.BOT) -> str:
    return files.token(attachment, audience=audience)


def test_the_address_that_was_told_gives_the_content(api, kept):
    url = files.describe(kept)["url"].removeprefix("http://127.0.0.1:8000")

    answer = Client().get(url, headers={"Accept": "image/webp,image/*"})

    assert content(answer) == LARGE
    assert answer["Content-Length"] == str(len(LARGE))


@pytest.mark.parametrize("audience", Audience)
def test_a_token_is_as_good_in_a_header(kept, audience):
    assert content(get(kept, bearer=token(kept, audience))) == LARGE


def test_the_bots_own_key_is_good(api, kept):
    assert content(api.client.get(path(kept))) == LARGE


def test_another_bots_key_is_not(stranger, kept):
    assert stranger.get(f"/attachments/{kept.pk}").json()["code"] == "not_found"


def test_a_key_is_not_taken_from_an_address(api, kept):
    key = api.client.defaults["HTTP_AUTHORIZATION"].removeprefix("Bearer ")

    assert get(kept, token=key).status_code == 404


@pytest.mark.parametrize("wrong", ["", "x", "é\x00", "a:b", "x" * 5_000])
def test_a_wrong_token_and_an_unknown_file_are_told_alike(api, kept, wrong):
    other = Attachment.objects.get(pk=upload(api).json()["id"])
    answers = [
        get(kept, token=wrong),
        get(kept),
        get(other, token=token(kept)),
        Client().get("/api/v1/attachments/9e5bd2b6-5fd7-4b0e-bb64-6a7cfbfe4c2b"),
    ]

    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.content for answer in answers}) == 1


def test_who_guesses_is_a_stranger(kept, settings):
    settings.RATE_LIMIT_STRANGERS = 2
    statuses = [get(kept, token="guess").status_code for _ in range(3)]

    assert statuses == [404, 404, 429]
    assert get(kept, token=token(kept)).status_code == 200


def test_an_expired_file_is_gone(api, kept):
    Attachment.objects.update(expires_at=now() - timedelta(seconds=1))

    answer = get(kept, token=token(kept))

    assert (answer.status_code, answer.json()["code"]) == (410, "attachment_expired")


def test_a_file_that_could_not_be_had_is_not_there(api, kept):
    Attachment.objects.update(error="It was refused.")

    assert get(kept, token=token(kept)).status_code == 404


@pytest.mark.parametrize(
    ("body", "name", "shown"),
    [
        (PNG, "door.png", 'inline; filename="door.png"'),
        (PNG, "tür.png", "inline; filename*=utf-8''t%C3%BCr.png"),
        (b"Hi", 'a"\r\nX: y.txt', 'attachment; filename="a\\"X: y.txt"'),
        (b"%PDF-1.4\n", "a.pdf", 'attachment; filename="a.pdf"'),
        (b"<svg/>", "a.svg", 'attachment; filename="a.svg"'),
        (b"<script>1</script>", "a.html", 'attachment; filename="a.html"'),
    ],
)
def test_nothing_can_run_in_our_name(api, bot, body, name, shown):
    Bot.objects.update(attachment_types=["*/*"])
    kept = files.store(bot=Bot.objects.get(), file_name=name, content=BytesIO(body))

    answer = get(kept, token=token(kept))

    assert answer["Content-Disposition"] == shown
    assert answer["Content-Type"] == kept.content_type
    assert answer["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Cache-Control"] == "private"
    assert "Set-Cookie" not in answer
    assert content(answer) == body


@pytest.fixture
def offered(api: Api, kept: Attachment, handoff_id: str) -> Attachment:
    """A file in a message that ServiceNow was told of."""
    body = {"id": "m-1", "attachments": [str(kept.pk)]}
    api.post(f"/handoffs/{handoff_id}/messages", body)
    Outgoing.objects.filter(attachment=kept).update(state="sent")
    Attachment.objects.update(offered_at=now())
    kept.refresh_from_db()
    return kept


def delivered() -> list[str]:
    events = Event.objects.filter(type="message.delivered")
    return [event.payload["data"]["id"] for event in events]


def test_a_message_is_delivered_once_servicenow_came_for_its_file(offered):
    for _ in range(2):
        get(offered, bearer=token(offered, Audience.SERVICENOW))

    offered.refresh_from_db()
    assert offered.fetched_at is not None
    assert delivered() == ["m-1"]


def test_the_users_browser_delivers_nothing(api, offered):
    get(offered, token=token(offered))
    Client().head(path(offered), {"token": token(offered, Audience.SERVICENOW)})
    api.client.get(path(offered))

    offered.refresh_from_db()
    assert offered.fetched_at is None
    assert delivered() == []


def test_a_file_fetched_while_its_message_is_being_sent_is_noted(offered):
    Outgoing.objects.filter(attachment=offered).update(state="sending")

    get(offered, bearer=token(offered, Audience.SERVICENOW))

    offered.refresh_from_db()
    assert offered.fetched_at is not None
    assert delivered() == []


def test_slow_readers_leave_threads_for_everything_else(kept):
    most = max(1, settings.WEB_THREADS // 2)
    slow = [iter(get(kept, token=token(kept)).streaming_content) for _ in range(most)]
    begun = [next(reader) for reader in slow]

    refused = get(kept, token=token(kept))

    assert begun == [LARGE[:PIECE]] * most
    assert (refused.status_code, refused["Retry-After"]) == (429, "5")
    assert {b"".join(reader) for reader in slow} == {LARGE[PIECE:]}
    assert content(get(kept, token=token(kept))) == LARGE
