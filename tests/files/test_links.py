import json
from uuid import uuid4

import pytest

from handoff import files
from handoff.files import Audience
from handoff.models import Attachment
from handoff.relay import file_transfer
from tests.api.bots import make_bot
from tests.files.samples import PNG, store

pytestmark = pytest.mark.django_db


@pytest.fixture
def kept(db) -> Attachment:
    return store(make_bot(), PNG)


@pytest.mark.parametrize("audience", Audience)
def test_a_token_tells_for_whom_it_was_made(kept, audience):
    token = files.token(kept, audience=audience)

    assert files.audience_of(kept.pk, token=token) == audience


def test_a_token_is_for_one_file_and_one_key(kept, settings):
    token = files.token(kept, audience=Audience.BOT)

    assert files.audience_of(uuid4(), token=token) is None
    assert files.audience_of(kept.pk, token=f"{token}x") is None
    assert files.audience_of(kept.pk, token="") is None
    settings.SECRET_KEY = "another"
    assert files.audience_of(kept.pk, token=token) is None


def test_links_outlive_a_key_that_is_kept_for_them(kept, settings):
    token = files.token(kept, audience=Audience.BOT)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = "new", [settings.SECRET_KEY]

    assert files.audience_of(kept.pk, token=token) == Audience.BOT


def test_a_file_is_described_with_a_signed_address(kept, settings):
    told = json.loads(json.dumps(files.describe(kept)))

    token = files.token(kept, audience=Audience.BOT)
    url = f"{settings.PUBLIC_URL}/api/v1/attachments/{kept.pk}?token={token}"
    assert told == {
        "id": str(kept.pk),
        "file_name": "door.png",
        "content_type": "image/png",
        "size": len(PNG),
        "url": url,
        "expires_at": kept.expires_at.isoformat().replace("+00:00", "Z"),
        "error": None,
    }


def test_a_file_that_could_not_be_had_has_no_address(kept):
    kept.error, kept.content_type, kept.size = "It was refused.", "", 0

    told = files.describe(kept)

    assert (told["url"], told["content_type"]) == (None, None)
    assert told["error"] == "It was refused."


def test_what_is_sent_to_servicenow_does_not_say_the_token(kept):
    file = file_transfer.outbound(kept)

    assert file.token
    assert file.token not in repr(file)
