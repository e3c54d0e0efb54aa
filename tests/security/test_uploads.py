"""Forms with files, posted by strangers to whatever reads forms."""

import pytest
from django.test import Client

from tests.files.samples import BORDER, part

pytestmark = pytest.mark.django_db

LOGIN = "/admin/login/"


@pytest.mark.parametrize(("size", "status"), [(300_000, 403), (1_100_000, 400)])
def test_a_strangers_form_is_not_written_to_the_disk_without_limit(
    settings, size, status
):
    settings.MAX_ATTACHMENT_BYTES = 1_000_000
    visitor = Client(enforce_csrf_checks=True)
    visitor.get(LOGIN)

    answer = visitor.generic(
        "POST",
        LOGIN,
        part(b"x" * size) + f"--{BORDER}--\r\n".encode(),
        content_type=f"multipart/form-data; boundary={BORDER}",
    )

    # 403 says that it was read to its end, and the token was not there.
    assert answer.status_code == status
