import re
from datetime import timedelta

import pytest
from django.utils.timezone import now

from handoff import files
from handoff.exceptions import AttachmentRefused, BodyTooLarge
from handoff.files.storing import MEGABYTE, PIECE
from handoff.models import Attachment, AttachmentPiece, Bot
from tests.api.bots import make_bot
from tests.files.samples import PNG, archive, store

pytestmark = [pytest.mark.django_db, pytest.mark.both_databases]


@pytest.fixture
def bot(db) -> Bot:
    return make_bot()


@pytest.mark.parametrize("size", [PIECE - 1, PIECE, PIECE + 1, 3 * PIECE])
def test_content_comes_back_as_it_was_in_pieces(bot, size):
    content = (PNG + bytes(range(256)) * (size // 256 + 1))[:size]

    kept = store(bot, content)

    pieces = list(files.pieces(kept))
    assert b"".join(pieces) == content
    assert [len(piece) <= PIECE for piece in pieces] == [True] * -(-size // PIECE)
    assert (kept.size, kept.content_type) == (size, "image/png")


def test_a_file_lives_as_long_as_the_setting_says(bot, settings):
    settings.ATTACHMENT_LIFETIME = timedelta(days=2)

    left = store(bot, PNG).expires_at - now()

    assert timedelta(days=2, minutes=-1) < left <= timedelta(days=2)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "The file is empty."),
        (b"<svg/>", "Files of this kind (SVG) are not taken. Allowed: PNG, JPG,"),
        (archive("a.txt"), "Files of this kind (ZIP) are not taken. Allowed: PNG,"),
    ],
)
def test_a_refusal_names_type_and_what_is_allowed(bot, content, sentence):
    with pytest.raises(AttachmentRefused, match=re.escape(sentence)):
        store(bot, content)

    assert not Attachment.objects.exists()


def test_types_may_be_patterns(bot):
    bot.attachment_types = ["image/*"]

    assert store(bot, PNG).content_type == "image/png"
    with pytest.raises(AttachmentRefused, match="TXT"):
        store(bot, b"Hello")


@pytest.mark.parametrize(("own", "general"), [(1, 9), (9, 1)])
def test_the_smaller_limit_counts(bot, settings, own, general):
    bot.max_attachment_megabytes = own
    settings.MAX_ATTACHMENT_BYTES = general * MEGABYTE

    assert store(bot, PNG.ljust(MEGABYTE, b"\0")).size == MEGABYTE
    with pytest.raises(BodyTooLarge, match="larger than 1 MB"):
        store(bot, PNG.ljust(MEGABYTE + 1, b"\0"))


def test_expired_content_is_deleted_and_its_name_stays(bot):
    old, young = store(bot, PNG), store(bot, PNG)
    Attachment.objects.filter(pk=old.pk).update(expires_at=now())

    files.expire()

    assert list(files.pieces(young)) == [PNG]
    assert Attachment.objects.filter(pk=old.pk).exists()
    with pytest.raises(AttachmentPiece.DoesNotExist):
        list(files.pieces(old))
