"""Files as they come, stored at once or uploaded by a bot."""

import zipfile
from io import BytesIO
from typing import Any

from handoff import files
from handoff.models import Attachment, Bot
from tests.api.bots import Api

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06"
GIF = b"GIF89a\x01\x00\x01\x00\x80\x00\x00"
PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"
BORDER = "next-part"
OFFICE = "application/vnd.openxmlformats-officedocument"


def archive(*names: str, **stored: str) -> bytes:
    """Return a zip with these files, those by keyword first and not compressed."""
    content = BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as file:
        for name, text in stored.items():
            file.writestr(zipfile.ZipInfo(name), text)
        for name in names:
            file.writestr(name, "<x/>" * 500)
    return content.getvalue()


def store(bot: Bot, content: bytes) -> Attachment:
    """Keep a file, whatever it is, as `door.png`."""
    return files.store(bot=bot, file_name="door.png", content=BytesIO(content))


def part(content: bytes = PNG, *, name: str = "door.png", field: str = "file") -> bytes:
    """Return a part of a form; the name goes out as it is, unlike Django's client's."""
    head = f'Content-Disposition: form-data; name="{field}"; filename="{name}"'
    kind = "Content-Type: application/x-whatever"
    return f"--{BORDER}\r\n{head}\r\n{kind}\r\n\r\n".encode() + content + b"\r\n"


def send(api: Api, *parts: bytes) -> Any:
    """Upload a form of these parts."""
    return api.client.generic(
        "POST",
        "/api/v1/attachments",
        b"".join(parts) + f"--{BORDER}--\r\n".encode(),
        content_type=f"multipart/form-data; boundary={BORDER}",
    )


def upload(api: Api, content: bytes = PNG, *, name: str = "door.png") -> Any:
    return send(api, part(content, name=name))
