"""The web process: `granian --interface wsgi config.wsgi:application`."""

import os
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from importlib import import_module
from tempfile import SpooledTemporaryFile
from typing import IO
from wsgiref.types import StartResponse, WSGIEnvironment

from django.conf import settings
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

_django = get_wsgi_application()
# Now, so that nobody's first request waits for all pages to be loaded.
import_module(settings.ROOT_URLCONF)

CHUNK = 65_536


def application(
    environ: WSGIEnvironment, start_response: StartResponse
) -> Iterable[bytes]:
    """Give a chunked body the length without which Django takes it for empty."""
    with ExitStack() as body_in_use:
        if "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower():
            body = body_in_use.enter_context(_spooled(environ))
            environ["wsgi.input"] = body
            environ["CONTENT_LENGTH"] = str(body.seek(0, os.SEEK_END))
            body.seek(0)
        return _django(environ, start_response)


@contextmanager
def _spooled(environ: WSGIEnvironment) -> Iterator[IO[bytes]]:
    """Read the body, to the disk where it is a file: forms bring those.

    One byte more than may come is enough to be refused by its length.
    """
    is_form = environ.get("CONTENT_TYPE", "").startswith("multipart/form-data")
    most = settings.MAX_ATTACHMENT_BYTES if is_form else settings.MAX_BODY_BYTES
    left = most + settings.FORM_BYTES + 1
    with SpooledTemporaryFile(max_size=settings.MAX_BODY_BYTES + 1) as body:
        while left and (chunk := environ["wsgi.input"].read(min(left, CHUNK))):
            body.write(chunk)
            left -= len(chunk)
        yield body
