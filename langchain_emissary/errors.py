"""The transport's errors as LangChain knows errors.

Each is both: `except ServiceError` and `except ModelError` catch it. Middleware that retries goes
by `is_retryable`, which says what the transport's `retryable` says.
"""

from __future__ import annotations

from collections.abc import Mapping

from langchain_core.exceptions import (
    ContextOverflowError,
    ModelAPIError,
    ModelAuthenticationError,
    ModelConnectionError,
    ModelError,
    ModelInvalidRequestError,
    ModelNotFoundError,
    ModelPermissionDeniedError,
    ModelRateLimitError,
    ModelTimeoutError,
)

from emissary_transport import errors
from emissary_transport.errors import ServiceError


class ConnectionFailed(errors.NoAnswer, ModelConnectionError):
    """No byte of an answer came."""


class TimedOut(errors.AnswerTimeout, ModelTimeoutError):
    """No answer came in time."""

    is_retryable = False  # it may be billed twice


class RequestTimedOut(errors.RequestTimeout, ModelTimeoutError):
    """The service gave up waiting."""


class InvalidRequest(errors.InvalidRequest, ModelInvalidRequestError):
    """The service can't do anything with the request as it is."""


class ContextOverflow(errors.ContextOverflow, ContextOverflowError):
    """The prompt is too long for the model."""


class AuthenticationFailed(errors.AuthenticationFailed, ModelAuthenticationError):
    """The key is missing, wrong or expired."""


class PaymentRequired(errors.PaymentRequired, ModelPermissionDeniedError):
    """The balance or quota does not cover the request."""


class PermissionDenied(errors.PermissionDenied, ModelPermissionDeniedError):
    """The key may not do this."""


class NotFound(errors.NotFound, ModelNotFoundError):
    """There is no such model, deployment or path."""


class RateLimited(errors.RateLimited, ModelRateLimitError):
    """Too many requests, or no capacity right now."""


class ServerError(errors.ServerError, ModelAPIError):
    """The service failed."""


class NotSupported(errors.NotSupported, ModelError):
    """The service does not do this."""


class Locked(errors.Locked, ModelError):
    """The lock on a confidential node is gone."""


class Redirected(errors.Redirected, ModelError):
    """The service sent us elsewhere, where the key must not follow."""


class BadAnswer(errors.BadAnswer, ModelError):
    """An answer began, but it can't be used."""


class BrokenAnswer(errors.BrokenAnswer, ModelConnectionError):
    """The answer broke off, or ended without its end."""

    is_retryable = False  # it has begun, and may be billed twice


class StalledAnswer(errors.StalledAnswer, ModelTimeoutError):
    """The answer stopped coming."""

    is_retryable = False


class MissingToolCall(errors.MissingToolCall, ModelError):
    """A tool call was required and never came."""


CLASSES: Mapping[type[ServiceError], type[ServiceError]] = {
    errors.NoAnswer: ConnectionFailed,
    errors.AnswerTimeout: TimedOut,
    errors.RequestTimeout: RequestTimedOut,
    errors.InvalidRequest: InvalidRequest,
    errors.ContextOverflow: ContextOverflow,
    errors.AuthenticationFailed: AuthenticationFailed,
    errors.PaymentRequired: PaymentRequired,
    errors.PermissionDenied: PermissionDenied,
    errors.NotFound: NotFound,
    errors.RateLimited: RateLimited,
    errors.ServerError: ServerError,
    errors.NotSupported: NotSupported,
    errors.Locked: Locked,
    errors.Redirected: Redirected,
    errors.BadAnswer: BadAnswer,
    errors.BrokenAnswer: BrokenAnswer,
    errors.StalledAnswer: StalledAnswer,
    errors.MissingToolCall: MissingToolCall,
}


class langchain_errors(errors.OnTheWayOut):  # noqa: N801 - like those of contextlib
    """Let the transport's errors out as LangChain's."""

    def see(self, error: ServiceError) -> None:
        """Raise it as LangChain's."""
        if cls := CLASSES.get(type(error)):
            raise cls(*error.args, **error.facts()).with_traceback(
                error.__traceback__
            ) from error.__cause__
