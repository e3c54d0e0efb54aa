"""Files that come in with forms, wherever one may be posted."""

from collections.abc import Mapping
from typing import IO, Any

from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadhandler import TemporaryFileUploadHandler


class BoundedUploadHandler(TemporaryFileUploadHandler):
    """Puts files on the disk, of a form that is no larger than one may be.

    Any page reads a form that a stranger posts to it, to look for the CSRF token.
    """

    def handle_raw_input(
        self,
        input_data: IO[bytes],
        META: Mapping[str, Any],  # noqa: N803 - Django's name
        content_length: int,
        boundary: str,
        encoding: str | None = None,
    ) -> None:
        if content_length > settings.MAX_ATTACHMENT_BYTES + settings.FORM_BYTES:
            raise RequestDataTooBig("The form is larger than one may be.")
