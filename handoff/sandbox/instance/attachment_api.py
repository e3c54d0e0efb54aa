"""Files over REST: the Attachment API, and the media address that Agent Chat names."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.utils.http import content_disposition_header

from handoff.sandbox.instance import acl, attachments, store
from handoff.sandbox.instance.answers import PlatformError, answer
from handoff.sandbox.instance.api import api_view
from handoff.sandbox.instance.models import Row
from handoff.sandbox.instance.schema import TABLES


@api_view("POST")
def upload(request: HttpRequest, user: Row) -> HttpResponse:
    """Keep the raw body as a file of the record that the query names."""
    names = ("table_name", "table_sys_id", "file_name")
    table, record, file_name = (_parameter(request, name) for name in names)
    if not acl.may_share_files(user, table=table, record=record):
        detail = "You are not allowed to attach files to this record"
        raise PlatformError(status=403, message="Operation Failed", detail=detail)
    row = attachments.store(
        table=table,
        record=record,
        file_name=file_name,
        content_type=request.content_type or "application/octet-stream",
        content=_content(request),
        by=user.value("user_name"),
    )
    shown = _shown(row, request=request)
    response = answer({"result": shown}, status=201)
    response["Location"] = shown["download_link"].removesuffix("/file")
    return response


@api_view("GET")
def metadata(request: HttpRequest, user: Row, sys_id: str) -> HttpResponse:
    return answer({"result": _shown(_mine(user, sys_id=sys_id), request=request)})


@api_view("GET")
def download(request: HttpRequest, user: Row, sys_id: str) -> HttpResponse:
    return file_response(_mine(user, sys_id=sys_id))


@api_view("GET")
def media(request: HttpRequest, user: Row, sys_id: str) -> HttpResponse:
    """Give out a file of an Agent Chat, to any caller with credentials."""
    row = store.get(table="sys_attachment", sys_id=sys_id)
    if row is None or row.value("table_name") != "interaction":
        raise _not_found()
    return file_response(row)


def file_response(row: Row, *, inline: bool = False) -> HttpResponse:
    response = HttpResponse(
        attachments.content(row), content_type=row.value("content_type")
    )
    disposition = content_disposition_header(
        as_attachment=not inline, filename=row.value("file_name")
    )
    response["Content-Disposition"] = disposition or "inline"
    return response


def _shown(row: Row, *, request: HttpRequest) -> dict[str, Any]:
    shown = {name: row.value(name) for name in TABLES[row.table].columns}
    path = f"/api/now/attachment/{row.sys_id}/file"
    return shown | {"download_link": request.build_absolute_uri(path)}


def _mine(user: Row, *, sys_id: str) -> Row:
    """Find a file; one that is hidden and one that is missing look the same."""
    row = store.get(table="sys_attachment", sys_id=sys_id)
    if row is None or not acl.readable([row], user=user):
        raise _not_found()
    return row


def _parameter(request: HttpRequest, name: str) -> str:
    # No header, log or page is to be bent by a character that nobody sees.
    given = request.GET.get(name, "")
    value = "".join(character for character in given if character.isprintable())
    if not value:
        raise PlatformError(
            status=400, message="Invalid parameters", detail=f"{name} is required"
        )
    return value


def _content(request: HttpRequest) -> bytes:
    content = request.read(attachments.MAX_BYTES + 1)
    if len(content) > attachments.MAX_BYTES:
        detail = "The file is larger than this instance allows"
        raise PlatformError(status=413, message="Request too large", detail=detail)
    return content


def _not_found() -> PlatformError:
    return PlatformError(
        status=404,
        message="No Record found",
        detail="Record doesn't exist or ACL restricts the record retrieval",
    )
