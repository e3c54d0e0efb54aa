"""The Callback URL: ServiceNow tells us that something was said or changed."""

from django.conf import settings
from rest_framework.exceptions import AuthenticationFailed, UnsupportedMediaType
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from handoff import limits, services
from handoff.callbacks.authentication import Stranger, authenticate
from handoff.exceptions import BodyTooLarge

# One text for an unknown address and for a wrong credential.
REFUSED = "Nothing here takes this call."


class CallbackView(APIView):
    """Store, answer 202, think later. Any Content-Type will do: the caller proved who
    it is, and a broken body is kept and shown rather than turned away.
    """

    http_method_names = ["post"]
    # How a caller proves itself depends on the bot: see `authenticate`.
    authentication_classes = ()
    permission_classes = ()
    schema = None

    def post(self, request: Request, callback_id: str) -> Response:
        body = _body_of(request)
        try:
            caller = authenticate(callback_id=callback_id, request=request)
        except Stranger as exc:
            limits.count_stranger(address=limits.client_address(request))
            raise AuthenticationFailed(REFUSED) from exc
        services.receive_callback(
            bot=caller.bot,
            body=body,
            authenticated_by=caller.authenticated_by,
            delivery_id=caller.delivery_id,
        )
        return Response({"stored": True}, status=202)

    def get_authenticate_header(self, request: Request) -> str:
        return "Webhook-Signature"


def _body_of(request: Request) -> bytes:
    encoding = request.headers.get("Content-Encoding", "identity")
    if encoding.lower() != "identity":
        raise UnsupportedMediaType(encoding, detail="Send the body without encoding.")
    if len(request.body) > settings.MAX_CALLBACK_BYTES:
        raise BodyTooLarge(
            f"A callback has at most {settings.MAX_CALLBACK_BYTES} bytes."
        )
    return request.body
