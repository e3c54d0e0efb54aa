"""The Table API: `/api/now[/v1|/v2]/table/{table}[/{sys_id}]`."""

from collections.abc import Iterator
from urllib.parse import urlencode

from django.db import transaction
from django.http import HttpRequest, HttpResponse, QueryDict

from handoff.sandbox.instance import acl, incidents, store, users
from handoff.sandbox.instance.answers import PlatformError, answer
from handoff.sandbox.instance.api import api_view, json_body
from handoff.sandbox.instance.faults.rows import visible
from handoff.sandbox.instance.models import Row
from handoff.sandbox.instance.records import as_json
from handoff.sandbox.instance.schema import TABLES
from handoff.sandbox.instance.search import search

LIMIT = 10_000


@api_view("GET", "POST")
def records(
    request: HttpRequest, user: Row, table: str, version: str = ""
) -> HttpResponse:
    _check_table(table)
    if request.method == "POST":
        return _create(request, user=user, table=table)
    return _list(request, user=user, table=table, version=version)


@api_view("GET", "PUT", "PATCH", "DELETE")
def record(
    request: HttpRequest, user: Row, table: str, sys_id: str, version: str = ""
) -> HttpResponse:
    _check_table(table)
    if request.method == "GET":
        row = _readable_row(user, table=table, sys_id=sys_id)
        if not visible([row], request=request, user=user):
            raise _not_found()
        return _one(request, row=row)
    if not users.is_admin(user):
        raise _may_not(operation="Update")
    with transaction.atomic():
        row = _readable_row(user, table=table, sys_id=sys_id)
        if request.method == "DELETE":
            row.delete()
            return HttpResponse(status=204)
        try:
            values = json_body(request)
            row = store.update(row, values=values, by=user.value("user_name"))
        except store.NotUnique as exc:
            raise _not_unique(exc) from exc
    return _one(request, row=row)


def _list(request: HttpRequest, *, user: Row, table: str, version: str) -> HttpResponse:
    if not acl.may_read_table(user, table=table):
        raise PlatformError(
            status=403, message="Insufficient rights to query records", detail=None
        )
    rows = search(table=table, query=request.GET.get("sysparm_query", ""), user=user)
    limit = _number(request.GET, "sysparm_limit", default=LIMIT)
    offset = _number(request.GET, "sysparm_offset", default=0)
    # The limit comes before the ACLs, so a short page is not the last one.
    page = acl.readable(rows[offset : offset + limit], user=user)
    page = visible(page, request=request, user=user)
    if version == "v1" and not page:
        raise _not_found()
    response = answer({"result": [_shown(request, row=row) for row in page]})
    if request.GET.get("sysparm_no_count") != "true":
        response["X-Total-Count"] = str(len(rows))
    links = ",".join(_links(request, offset=offset, limit=limit, total=len(rows)))
    if links:
        response["Link"] = links
    return response


def _create(request: HttpRequest, *, user: Row, table: str) -> HttpResponse:
    if not acl.may_create(user, table=table):
        raise _may_not(operation="Insert")
    values, by = json_body(request), user.value("user_name")
    if table == "incident":
        values = incidents.completed(values, by=user)
    try:
        with transaction.atomic():
            row = store.insert(table=table, values=values, by=by)
    except store.NotUnique as exc:
        raise _not_unique(exc) from exc
    response = _one(request, row=row, status=201)
    response["Location"] = request.build_absolute_uri(
        f"/api/now/table/{table}/{row.sys_id}"
    )
    return response


def _one(request: HttpRequest, *, row: Row, status: int = 200) -> HttpResponse:
    return answer({"result": _shown(request, row=row)}, status=status)


def _shown(request: HttpRequest, *, row: Row) -> dict[str, object]:
    fields = request.GET.get("sysparm_fields", "")
    return as_json(
        row,
        paths=fields.split(",") if fields else list(TABLES[row.table].columns),
        display=request.GET.get("sysparm_display_value", "false"),
        root=request.build_absolute_uri("/api/now/table/"),
        links=request.GET.get("sysparm_exclude_reference_link") != "true",
    )


def _links(
    request: HttpRequest, *, offset: int, limit: int, total: int
) -> Iterator[str]:
    if not limit or total <= limit:
        return
    starts = {"first": 0, "last": (total - 1) // limit * limit}
    if offset:
        starts["prev"] = max(offset - limit, 0)
    if offset + limit < total:
        starts["next"] = offset + limit
    for relation, start in starts.items():
        query = request.GET.dict() | {"sysparm_offset": str(start)}
        url = request.build_absolute_uri(f"{request.path}?{urlencode(query)}")
        yield f'<{url}>;rel="{relation}"'


def _readable_row(user: Row, *, table: str, sys_id: str) -> Row:
    """Find a row; one that is hidden and one that is missing look the same."""
    row = store.get(table=table, sys_id=sys_id)
    may = acl.may_read_table(user, table=table)
    if row is None or not may or not acl.readable([row], user=user):
        raise _not_found()
    return row


def _number(parameters: QueryDict, name: str, *, default: int) -> int:
    text = parameters.get(name, "")
    return int(text) if text.isdecimal() else default


def _check_table(table: str) -> None:
    if table not in TABLES:
        raise PlatformError(status=400, message=f"Invalid table {table}", detail=None)


def _may_not(*, operation: str) -> PlatformError:
    return PlatformError(
        status=403,
        message="Operation Failed",
        detail=f"ACL Exception {operation} Failed due to security constraints",
    )


def _not_found() -> PlatformError:
    return PlatformError(
        status=404,
        message="No Record found",
        detail="Record doesn't exist or ACL restricts the record retrieval",
    )


def _not_unique(exc: store.NotUnique) -> PlatformError:
    detail = f"{exc}: Unique Key violation detected by database"
    return PlatformError(status=403, message="Operation Failed", detail=detail)
