"""Files: a bot uploads them, and whoever was given the address may have them."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, StreamingHttpResponse
from django.utils.http import content_disposition_header
from django.utils.timezone import now
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import serializers
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from handoff import files, limits, services
from handoff.api.authentication import bearer_in, key_of
from handoff.api.schema import answers
from handoff.api.views import BotView
from handoff.api.waiting import SENDING, seat
from handoff.exceptions import (
    AttachmentExpired,
    AttachmentRefused,
    BodyTooLarge,
    RateLimited,
)
from handoff.models import Attachment

# What a browser may show in place; it runs nothing of them.
PICTURES = ("image/png", "image/jpeg", "image/gif", "image/webp")
# Whatever the content is, it can do nothing in our name.
GUARD = {
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "private",
}
RETRY_AFTER = 5  # seconds
ONE_FILE = "Send one part called `file`, with a file name, and nothing else."


class UploadSerializer(serializers.Serializer[Any]):
    """Describes the form; its parser reads it."""

    file = serializers.FileField(help_text="The file; its type is told by its content.")


class AttachmentSerializer(serializers.Serializer[Any]):
    """Describes what handoff.files.describe returns."""

    id = serializers.UUIDField()
    file_name = serializers.CharField()
    content_type = serializers.CharField(
        allow_null=True, help_text="By the content, whatever its sender said."
    )
    size = serializers.IntegerField(allow_null=True)
    url = serializers.CharField(
        allow_null=True,
        help_text="Whoever has it may have the file.",
    )
    expires_at = serializers.DateTimeField(allow_null=True)
    error = serializers.CharField(
        allow_null=True,
        help_text="Why it could not be had; what is not known then is null.",
    )


class AttachmentsView(BotView):
    parser_classes = (MultiPartParser,)

    @extend_schema(
        operation_id="upload_attachment",
        summary="Upload a file for the agent",
        tags=["Attachments"],
        request={"multipart/form-data": UploadSerializer},
        responses=answers(
            *(400, 401, 413, 429, 503),
            success={201: AttachmentSerializer},
            unsupported_media_type="415 The body is no `multipart/form-data`.",
            attachment_refused="422 There is no file, or none of a type to be taken.",
        ),
    )
    def post(self, request: Request) -> Response:
        """Keep a file until it expires; name its `id` in a message to send it."""
        self._refuse_large_form(request)
        file = _file_in(request)
        attachment = services.upload_attachment(
            bot=self.bot, file_name=str(file.name), content=file
        )
        return Response(files.describe(attachment), status=201)

    def _refuse_large_form(self, request: Request) -> None:
        """Refuse by the announced length, before any of it is read."""
        announced = str(request.META.get("CONTENT_LENGTH"))
        length = int(announced) if announced.isdecimal() else 0
        if length > files.max_bytes(self.bot) + settings.FORM_BYTES:
            raise BodyTooLarge("The file is larger than this bot takes.")


def _file_in(request: Request) -> "UploadedFile[Any]":  # no generic at run time
    match [*request.FILES.lists(), *request.POST.lists()]:
        case [("file", [UploadedFile() as file])]:
            return file
        case _:
            raise AttachmentRefused(ONE_FILE)


TOKEN = OpenApiParameter(
    "token", description="As in `url`; instead of a key or as a bearer token."
)


class AttachmentView(APIView):
    """Not a call of the bot alone: its token opens an address to whoever has it."""

    authentication_classes = ()
    permission_classes = ()

    def perform_content_negotiation(self, request: Request, force: bool = False) -> Any:
        """Take any `Accept`: a browser that shows a picture asks for pictures."""
        return super().perform_content_negotiation(request, force=True)

    @extend_schema(
        operation_id="get_attachment",
        summary="Download a file",
        tags=["Attachments"],
        auth=[{"ApiKey": []}, {}],  # type: ignore[list-item] # OpenAPI wants objects
        parameters=[TOKEN],
        responses={
            (200, "*/*"): OpenApiResponse(OpenApiTypes.BINARY, "The content."),
            **answers(
                404, 429, 503, success={}, attachment_expired="410 It was kept so long."
            ),
        },
    )
    def get(self, request: Request, attachment_id: UUID) -> StreamingHttpResponse:
        """The content, as an image in place or as a download."""
        attachment, audience = _admit(request, attachment_id)
        if attachment.expires_at <= now():
            raise AttachmentExpired("The file has expired.")
        _refuse_if_all_send()
        if audience == files.Audience.SERVICENOW and request.method == "GET":
            services.note_fetched(attachment=attachment)
        is_picture = attachment.content_type in PICTURES
        disposition = content_disposition_header(
            as_attachment=not is_picture, filename=attachment.file_name
        )
        headers = GUARD | {
            "Content-Disposition": str(disposition),
            "Content-Length": str(attachment.size),
        }
        return StreamingHttpResponse(
            _sent(attachment),
            content_type=attachment.content_type,
            headers=headers,
        )


def _refuse_if_all_send() -> None:
    with seat(SENDING) as free:
        if free:
            return
    error = RateLimited("Too many files are being sent: ask again in a moment.")
    error.retry_after = RETRY_AFTER
    raise error


def _sent(attachment: Attachment) -> Iterator[bytes]:
    """Yield the content; where others were faster, too little for its length."""
    with seat(SENDING) as free:
        if free:
            yield from files.pieces(attachment)


def _admit(
    request: Request, attachment_id: UUID
) -> tuple[Attachment, files.Audience | None]:
    """Return the file and for whom its token is, if it is no bot's key; or raise 404.

    What is unknown and what is another's are told alike.
    """
    known = Attachment.objects.filter(error="")
    bearer = bearer_in(request)
    given = request.query_params.get("token", bearer)
    if audience := files.audience_of(attachment_id, token=given):
        return known.get(pk=attachment_id), audience
    if key := key_of(bearer):
        return known.get(pk=attachment_id, bot=key.bot), None
    limits.count_stranger(address=limits.client_address(request))
    raise Http404
