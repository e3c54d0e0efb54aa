"""The one body that is read here: strict JSON in UTF-8."""

from collections.abc import Mapping
from typing import IO, Any

from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.parsers import BaseParser

from handoff.strict_json import load_json


class StrictJSONParser(BaseParser):
    media_type = "application/json"

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        # `body` and not the stream: Django measures it against MAX_BODY_BYTES.
        request = (parser_context or {})["request"]
        encoding = request.headers.get("Content-Encoding", "identity")
        if encoding.lower() != "identity":
            raise UnsupportedMediaType(
                encoding, detail="Send the body as it is, without Content-Encoding."
            )
        return load_json(request.body)
