import uuid

from django import forms
from django.core.validators import RegexValidator

from handoff.sandbox.demo_bot import product

HEADER_SAFE = RegexValidator(r"^[!-~]+$", "Printable ASCII only.")


class MessageForm(forms.Form):
    """What the user says, as written: neither blank nor stripped."""

    id = forms.UUIDField(required=False)
    text = forms.CharField(max_length=8000, strip=False)

    def clean_id(self) -> uuid.UUID:
        return self.cleaned_data["id"] or uuid.uuid4()

    def clean_text(self) -> str:
        # Browsers send what was typed as a newline as two characters.
        text: str = self.cleaned_data["text"].replace("\r\n", "\n").replace("\r", "\n")
        if not text.strip():
            raise forms.ValidationError("Write something first.")
        return text


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
