"""Pictures of people, for everybody to see: `/<sys_id>.iix?t=small`."""

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from handoff.sandbox.instance import attachments, store
from handoff.sandbox.instance.models import Row

# Where the platform keeps what an image column of a profile holds.
_TABLE = "ZZ_YYlive_profile"


def give(profile: Row, *, content: bytes, content_type: str, by: str) -> None:
    """Store a picture as the photo of a live profile."""
    photo = attachments.store(
        table=_TABLE,
        record=profile.sys_id,
        file_name="photo",
        content_type=content_type,
        content=content,
        by=by,
    )
    store.update(profile, values={"photo": f"/{photo.sys_id}.iix?t=small"}, by=by)


@require_safe
def show(request: HttpRequest, sys_id: str) -> HttpResponse:
    """Give out a photo in its one size, and no other attachment."""
    photo = store.get(table="sys_attachment", sys_id=sys_id)
    if photo is None or photo.value("table_name") != _TABLE:
        raise Http404
    response = HttpResponse(
        attachments.content(photo), content_type=photo.value("content_type")
    )
    response["Cache-Control"] = "public, max-age=3600"
    return response
