"""Lists: `items`, `next` (to be passed as `after`), `has_more`."""

from typing import Any, TypeVar

from django.db.models import QuerySet
from rest_framework import serializers
from rest_framework.response import Response

MAX_LIMIT = 200
DEFAULT_LIMIT = 50

Row = TypeVar("Row")


class PageQuery(serializers.Serializer[Any]):
    limit = serializers.IntegerField(
        min_value=1, max_value=MAX_LIMIT, default=DEFAULT_LIMIT
    )


class PageSerializer(serializers.Serializer[Any]):
    next = serializers.CharField(
        allow_null=True,
        help_text="Pass it as `after`; it stays good when there is no more for now.",
    )
    has_more = serializers.BooleanField()


def cut(rows: QuerySet[Any, Row], *, limit: int) -> tuple[list[Row], bool]:
    """Return a page's rows, and whether others follow."""
    found = list(rows[: limit + 1])
    return found[:limit], len(found) > limit


def page(
    items: list[dict[str, Any]], *, cursor: str, after: Any, has_more: bool
) -> Response:
    """Answer a page; an empty one hands the given cursor back."""
    following = items[-1][cursor] if items else after
    return Response({"items": items, "next": following, "has_more": has_more})
