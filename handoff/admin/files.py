"""Which files a bot's users and agents may send each other."""

import re
from urllib.parse import urlsplit

from django import forms
from django.conf import settings
from django.core.exceptions import ValidationError

from handoff.admin import fields
from handoff.admin.conditions import AGENT_CHAT, told_with

_NAME = r"[a-z0-9][a-z0-9!#$&^_.+-]*"
MIME_TYPE = re.compile(rf"{_NAME}/(?:\*|{_NAME})")


class FileFields(forms.Form):
    max_attachments = fields.number(
        "Files per message",
        lowest=0,
        highest=20,
        help_text="0 allows no files.",
    )
    max_attachment_megabytes = fields.number("Megabytes per file", lowest=1, highest=25)
    attachment_types = fields.LinesField(
        "Types of files",
        longest=100,
        rows=7,
        help_text="One MIME type a line, like application/pdf, or image/* for all of a "
        "kind. What a file is, its content says, not its name. "
        + told_with(
            AGENT_CHAT,
            f"ServiceNow fetches files from {urlsplit(settings.PUBLIC_URL).hostname}: "
            "add that to the Trusted media domains of the provider application.",
        ),
    )

    def clean_attachment_types(self) -> list[str]:
        types = [line.lower() for line in self.cleaned_data["attachment_types"]]
        for name in types:
            if not MIME_TYPE.fullmatch(name):
                raise ValidationError(
                    f"“{name}” is no MIME type like application/pdf or image/*."
                )
        if not types and self.cleaned_data.get("max_attachments"):
            raise ValidationError("Name a type, or set Files per message to 0.")
        return list(dict.fromkeys(types))
