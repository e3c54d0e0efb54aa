"""What can go wrong between us and an address outside.

```
DeliveryError                 a call failed; one class for each outcome
├─ NotSent                    no byte of the request left: try again
│  ├─ TooLate                 because no time was left, not for the host's sake
│  └─ Resting                 because calls to the host are paused
├─ Throttled                  429: wait, then try again
├─ Unauthorized               401, also after a refresh: a person must act
├─ Rejected                   another definite 4xx: the same again cannot help
└─ Ambiguous                  anything else: it may have been applied
   └─ AnswerTooLarge          its answer is larger than the caller takes
ServiceNowAuthError           there is no authorization to make a call with
├─ NotAuthorized              credentials or tokens are missing
├─ AuthorizationRefused       ServiceNow refused them
├─ TokenEndpointUnavailable   ServiceNow could not be asked
├─ AnotherUser                it would make us another ServiceNow user, too early
├─ AttemptRefused             an Authorize round trip that must not be completed
└─ SealBroken                 a stored secret cannot be opened
BadAddress                    somebody typed an address that we must not call
```

Every `detail` is a sentence that may be shown to people: it holds no secret, no
answer's body and no resolved address.
"""


class DeliveryError(RuntimeError):
    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class NotSent(DeliveryError):
    pass


class TooLate(NotSent):
    pass


class Resting(NotSent):
    pass


class Throttled(DeliveryError):
    """`retry_after` is in seconds, at most an hour; None where nothing was said."""

    def __init__(self, detail: str, *, retry_after: float | None) -> None:
        super().__init__(detail)
        self.retry_after = retry_after


class Unauthorized(DeliveryError):
    pass


class Rejected(DeliveryError):
    """`text` is ServiceNow's own short reason, plain and cut, or empty."""

    def __init__(self, detail: str, *, status: int, text: str = "") -> None:
        super().__init__(detail)
        self.status = status
        self.text = text


class Ambiguous(DeliveryError):
    """`ended`: the far side's transaction is over, so a read now shows the truth."""

    def __init__(self, detail: str, *, ended: bool = False) -> None:
        super().__init__(detail)
        self.ended = ended


class AnswerTooLarge(Ambiguous):
    pass


class ServiceNowAuthError(RuntimeError):
    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class NotAuthorized(ServiceNowAuthError):
    pass


class AuthorizationRefused(ServiceNowAuthError):
    pass


class TokenEndpointUnavailable(ServiceNowAuthError):
    pass


class AnotherUser(ServiceNowAuthError):
    pass


class AttemptRefused(ServiceNowAuthError):
    pass


class SealBroken(ServiceNowAuthError):
    pass


class BadAddress(ValueError):
    pass
