import uuid
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.core.validators import RegexValidator

from handoff.sandbox.demo_bot import extras, product
from handoff.sandbox.demo_bot.models import File

HEADER_SAFE = RegexValidator(r"^[!-~]+$", "Printable ASCII only.")
MAX_FILE_BYTES = 10 * 1024 * 1024
TOO_LARGE = "This file is too large: 10 MB is the most."


class MessageForm(forms.Form):
    """What the user says, as written: neither blank nor stripped."""

    id = forms.UUIDField(required=False)
    text = forms.CharField(max_length=8000, strip=False, required=False)
    file = forms.FileField(max_length=255, required=False)

    def clean_id(self) -> uuid.UUID:
        return self.cleaned_data["id"] or uuid.uuid4()

    def clean_text(self) -> str:
        # Browsers send what was typed as a newline as two characters.
        text: str = self.cleaned_data["text"].replace("\r\n", "\n").replace("\r", "\n")
        return text if text.strip() else ""

    def clean_file(self) -> File | None:
        upload: UploadedFile[bytes] | None = self.cleaned_data["file"]
        if upload is None:
            return None
        if (upload.size or 0) > MAX_FILE_BYTES:
            raise forms.ValidationError(TOO_LARGE)
        content = upload.read()
        return File(
            name=upload.name,
            content_type=extras.content_type(content, told=upload.content_type or ""),
            size=len(content),
            content=content,
        )

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        if not self.errors and not cleaned["text"] and not cleaned["file"]:
            raise forms.ValidationError("Write something first, or attach a file.")
        return cleaned


class SetupForm(forms.Form):
    """What the product's admin page shows once."""

    api_key = forms.CharField(max_length=200, validators=[HEADER_SAFE])
    webhook_secret = forms.CharField(max_length=200, validators=[HEADER_SAFE])

    def clean_webhook_secret(self) -> str:
        secret: str = self.cleaned_data["webhook_secret"]
        try:
            product.check_secret(secret)
        except ValueError as exc:
            raise forms.ValidationError("Not a whsec_… secret.") from exc
        return secret
