"""Files: a row of `sys_attachment` each, and the content beside it."""

from django.db import transaction

from handoff.sandbox.instance import store as rows
from handoff.sandbox.instance.models import Content, Row

MAX_BYTES = 25 * 1024 * 1024


@transaction.atomic
def store(
    *,
    table: str,
    record: str,
    file_name: str,
    content_type: str,
    content: bytes,
    by: str,
) -> Row:
    """Keep a file as an attachment of the record; `by` is a user name."""
    row = rows.insert(
        table="sys_attachment",
        values={
            "table_name": table,
            "table_sys_id": record,
            "file_name": file_name,
            "content_type": content_type,
            "size_bytes": len(content),
        },
        by=by,
    )
    Content.objects.create(attachment=row, data=content)
    return row


def content(attachment: Row) -> bytes:
    """Return the file's bytes; none where the Table API has made the row alone."""
    found = Content.objects.filter(attachment=attachment).first()
    return bytes(found.data) if found else b""
