"""What can go wrong between a call and its answer.

    ServiceError
    ├── NoAnswer                  no byte of an answer came              retryable
    │   └── AnswerTimeout         ... in time; the service may be at it
    ├── Refused                   the service answered with a status
    │   ├── Redirected            3xx; the key does not follow
    │   ├── InvalidRequest        400, 413, 415, 422 and other 4xx
    │   │   └── ContextOverflow   the prompt is too long for the model
    │   ├── AuthenticationFailed  401
    │   ├── PaymentRequired       402, or a balance that is too low
    │   ├── PermissionDenied      403
    │   ├── NotFound              404, or a model that is not served
    │   ├── RequestTimeout        408                                    retryable
    │   ├── Locked                423, 425: the lock on a node is gone
    │   ├── RateLimited           429                                    retryable
    │   ├── ServerError           500, 502, 503, 504                     retryable
    │   └── NotSupported          501 and other 5xx
    └── BadAnswer                 an answer began, but it can't be used
        ├── BrokenAnswer          it broke off, or ended without its end
        │   └── StalledAnswer     it stopped coming
        └── MissingToolCall       a tool call was required and never came

A mistake in what was asked for is no `ServiceError` but a `ValueError`, raised before anything
is sent.
"""

from __future__ import annotations

from abc import abstractmethod
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, ClassVar

__all__ = [
    "AnswerTimeout",
    "AuthenticationFailed",
    "BadAnswer",
    "BrokenAnswer",
    "ContextOverflow",
    "InvalidRequest",
    "Locked",
    "MissingToolCall",
    "NoAnswer",
    "NotFound",
    "NotSupported",
    "PaymentRequired",
    "PermissionDenied",
    "RateLimited",
    "Redirected",
    "Refused",
    "RequestTimeout",
    "ServerError",
    "ServiceError",
    "StalledAnswer",
]


class ServiceError(Exception):
    """A call to a service that did not end in a usable answer.

    Attributes:
        service: Name of the service: `emissary`, `orq` or `atoma`.
        status: HTTP status of the answer, or None where there was none or it was a success.
        code: The service's own error code, as text.
        request_id: The id that the service gave the request or the answer.
        retry_after: Seconds that the service asks to wait.
        body: What the service said, as parsed JSON or text.
        texts: Which of many texts this happened to, by their place from 0 on.
        retryable: Whether sending the same request again may help; a fact of the class.
    """

    retryable: ClassVar[bool] = False
    advice: ClassVar[str] = ""

    def __init__(
        self,
        message: str,
        *,
        service: str = "",
        status: int | None = None,
        code: str | None = None,
        request_id: str | None = None,
        retry_after: float | None = None,
        body: Any = None,
        texts: tuple[int, ...] = (),
    ) -> None:
        super().__init__(message)
        self.service = service
        self.status = status
        self.code = code
        self.request_id = request_id
        self.retry_after = retry_after
        self.body = body
        self.texts = texts

    @property
    def message(self) -> str:
        """What happened and what to do, in one text."""
        return str(self.args[0])

    def facts(self) -> dict[str, Any]:
        """The keyword arguments that make this error again."""
        return {
            "service": self.service,
            "status": self.status,
            "code": self.code,
            "request_id": self.request_id,
            "retry_after": self.retry_after,
            "body": self.body,
            "texts": self.texts,
        }

    def __reduce__(self) -> tuple[Any, ...]:
        return _made_again, (type(self), self.args, self.facts())


def _made_again(
    cls: type[ServiceError], args: tuple[str, ...], facts: dict[str, Any]
) -> ServiceError:
    return cls(*args, **facts)


class NoAnswer(ServiceError):
    """No byte of an answer came: refused, reset, hung up, or no connection in time."""

    retryable = True
    advice = "Check the base URL, the network and the proxy settings."


class AnswerTimeout(NoAnswer):
    """The request was sent and no answer came in time; it may still be worked on, and billed."""

    retryable = False
    advice = "Raise `timeout`, or ask for less; it is not sent again, since it may be billed twice."


class Refused(ServiceError):
    """The service answered with a status that is not a success."""


class Redirected(Refused):
    """The service sent us elsewhere, where the key must not follow."""

    advice = "Set the base URL to the address that is meant; redirects are not followed."


class InvalidRequest(Refused):
    """The service can't do anything with this request as it is."""


class ContextOverflow(InvalidRequest):
    """The prompt, or prompt and output limit together, are too long for the model."""

    advice = "Shorten the messages or lower the output limit."


class AuthenticationFailed(Refused):
    """The key is missing, wrong or expired, here or at the provider behind the service."""

    advice = "Check the API key."


class PaymentRequired(Refused):
    """The balance or quota does not cover the request."""

    advice = "Top up, or lower the output limit."


class PermissionDenied(Refused):
    """The key is known but may not do this."""


class NotFound(Refused):
    """There is no such model, deployment or path."""

    advice = "Check the model or deployment id and the base URL."


class RequestTimeout(Refused):
    """The service gave up waiting."""

    retryable = True


class Locked(Refused):
    """The lock on a confidential node is taken, used up or expired."""


class RateLimited(Refused):
    """Too many requests, or no capacity right now."""

    retryable = True
    advice = "Wait and try again, or send fewer requests at a time."


class ServerError(Refused):
    """The service failed, not the request."""

    retryable = True


class NotSupported(Refused):
    """The service does not do this, or answered with a 5xx that trying again won't change."""


class BadAnswer(ServiceError):
    """An answer began, but it can't be used."""


class BrokenAnswer(BadAnswer):
    """The answer broke off, or ended without a finish reason or end marker."""

    advice = "What came before was handed over; treat it as incomplete."


class StalledAnswer(BrokenAnswer):
    """The answer stopped coming; keep-alive comments do not count as an answer."""


class MissingToolCall(BadAnswer):
    """A tool call was required, asked for twice, and never came."""

    advice = "Try a stronger model, fewer tools, or a clearer prompt."


class OnTheWayOut(AbstractContextManager["OnTheWayOut"]):
    """What is done to a `ServiceError` that leaves a `with`; anything else passes as it is."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if isinstance(error, ServiceError):
            self.see(error)

    @abstractmethod
    def see(self, error: ServiceError) -> None:
        """Change the error, or raise another one in its place."""
