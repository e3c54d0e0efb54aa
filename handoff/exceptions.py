"""What can go wrong, by who is told.

HandoffError(code, status)      shown to a bot: one handler, one shape (RFC 9457)
├─ HandoffClosed          409   handoff_closed
├─ RequestConflict        409   id_conflict: the id came before with another body
├─ BotDisabled            409   bot_disabled
├─ NotAuthorized          409   authorization_required
├─ QueueMissing           409   queue_missing
├─ TooManyOpenItems       429   too_many_open_items
├─ TooManyOpenHandoffs    429   too_many_open_handoffs
├─ HandoffLoop            429   handoff_loop: one conversation, again and again
├─ RateLimited            429   rate_limited
├─ AttachmentRefused      422   attachment_refused: its type, or whose or where it is
├─ AttachmentExpired      410   attachment_expired
├─ MalformedBody          400   malformed_body
├─ BodyTooLarge           413   body_too_large
└─ FeedReset              409   feed_reset: the feed has no such event any more

Failed hops to ServiceNow are servicenow_auth.exceptions.DeliveryError; those to a bot
are below it:
DeliveryError
├─ BotUnavailable               the endpoint as a whole: pause the webhook
├─ BotRejected                  this event: count, then give it up
└─ BotGone                      410: switch the webhook off

StillAtWork is for the operator: a command needs the database for itself.
"""

from servicenow_auth.exceptions import DeliveryError


class HandoffError(Exception):
    code = "error"
    status = 400
    retry_after: int | None = None


class HandoffClosed(HandoffError):
    code, status = "handoff_closed", 409


class RequestConflict(HandoffError):
    code, status = "id_conflict", 409


class BotDisabled(HandoffError):
    code, status = "bot_disabled", 409


class NotAuthorized(HandoffError):
    code, status = "authorization_required", 409


class QueueMissing(HandoffError):
    code, status = "queue_missing", 409


class TooManyOpenItems(HandoffError):
    code, status, retry_after = "too_many_open_items", 429, 5


class TooManyOpenHandoffs(HandoffError):
    code, status, retry_after = "too_many_open_handoffs", 429, 60


class HandoffLoop(HandoffError):
    code, status, retry_after = "handoff_loop", 429, 3600


class RateLimited(HandoffError):
    code, status, retry_after = "rate_limited", 429, 60


class AttachmentRefused(HandoffError):
    code, status = "attachment_refused", 422


class AttachmentExpired(HandoffError):
    code, status = "attachment_expired", 410


class MalformedBody(HandoffError):
    code, status = "malformed_body", 400


class BodyTooLarge(HandoffError):
    code, status = "body_too_large", 413


class FeedReset(HandoffError):
    code, status = "feed_reset", 409


class BotUnavailable(DeliveryError):
    """Unreachable, 5xx or 429: nothing is wrong with the event itself."""

    def __init__(self, detail: str, *, retry_after: float | None = None) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class BotRejected(DeliveryError):
    """The bot answered 3xx or 4xx to this event."""


class BotGone(DeliveryError):
    """The bot answered 410: it wants no more webhooks."""


class StillAtWork(Exception):
    """Processes run on a database that must be nobody's for now."""
