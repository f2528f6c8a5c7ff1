"""What a service says when it refuses, read from any of the shapes that it uses."""

from __future__ import annotations

import email.utils
import math
import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from pydantic_core import from_json

from emissary_transport import errors
from emissary_transport.errors import ServiceError
from emissary_transport.service import Service

STATUS_CLASSES: Mapping[int, type[ServiceError]] = {
    401: errors.AuthenticationFailed,
    402: errors.PaymentRequired,
    403: errors.PermissionDenied,
    404: errors.NotFound,
    408: errors.RequestTimeout,
    423: errors.Locked,
    425: errors.Locked,
    429: errors.RateLimited,
    500: errors.ServerError,
    502: errors.ServerError,
    503: errors.ServerError,
    504: errors.ServerError,
}

CODE_STATUSES: Mapping[str, int] = {
    "authentication_required": 401,
    "invalid_api_key": 401,
    "expired_api_key": 401,
    "quota_exceeded": 402,
    "insufficient_quota": 402,
    "insufficient_scope": 403,
    "wrong_project": 403,
    "workspace_disabled": 403,
    "deployment_not_found": 404,
    "integration_not_found": 404,
    "model_not_found": 404,
    "object_not_found": 404,
    "request_timeout": 408,
    "rate_limit_exceeded": 429,
    "too_many_requests": 429,
    "internal_error": 500,
    "provider_error": 502,
    "provider_overloaded": 503,
    "service_unavailable": 503,
    "provider_timeout": 504,
    "invalid_request_body": 400,
    "invalid_request_error": 400,
    "request_error": 400,
    "fiat_payments_only": 400,
    "auth_error": 401,
    "balance_error": 402,
    "not_found": 404,
    "locked": 423,
    "unavailable_stack": 425,
    "not_implemented": 501,
}
"""What a code means where no status came with it, as in the middle of a stream."""

_OVERFLOW = re.compile(
    r"context_length_exceeded|context[_ ]window[_ ]?exceeded|maximum context length"
    r"|exceeds? the (model'?s )?(maximum )?context|prompt is too long|too many (input )?tokens"
    r"|input tokens exceed|longer than the maximum model length",
    re.IGNORECASE,
)
_LONGEST_MESSAGE = 2_000
_SHORTEST_KEY = 8
"""A shorter key is a placeholder, and part of ordinary words."""


def status_class(status: int) -> type[ServiceError]:
    """The error class for a status alone."""
    if status in STATUS_CLASSES:
        return STATUS_CLASSES[status]
    if 300 <= status < 400:
        return errors.Redirected
    return errors.NotSupported if status >= 500 else errors.InvalidRequest


def parsed(body: bytes) -> Any:
    """The body as JSON if it is any, else as text, else None."""
    try:
        return from_json(body)
    except ValueError:
        return body.decode("utf-8", "replace").strip() or None


def said(payload: Any) -> tuple[str | None, str | None]:
    """The code and the message in an error body, whichever shape it has.

    >>> said({"error": {"code": "NOT_FOUND", "message": "Resource not found"}})
    ('NOT_FOUND', 'Resource not found')
    >>> said({"code": 401, "error": "No key for openai."})
    ('401', 'No key for openai.')
    """
    if not isinstance(payload, Mapping):
        return None, payload if isinstance(payload, str) else None
    inner = payload.get("error")
    source = inner if isinstance(inner, Mapping) else payload
    code = source.get("code") or source.get("type") or payload.get("code")
    message = source.get("message") or source.get("detail")
    if not isinstance(message, str):
        message = inner if isinstance(inner, str) else None
    if isinstance(code, float) and code.is_integer():
        code = int(code)
    return (None if code is None or isinstance(code, (dict, list)) else str(code)), message


def refusal(
    service: Service,
    status: int,
    headers: Mapping[str, str],
    body: bytes,
    *,
    now: float,
    secret: str = "",
) -> ServiceError:
    """The error for an answer that is no success.

    Args:
        service: Who answered.
        status: The HTTP status.
        headers: The answer's headers.
        body: The answer's body, or as much of it as came.
        now: Seconds since the epoch, for a `Retry-After` that is a date.
        secret: The key; it is cut out should the service repeat it.
    """
    key = service.bare_key(secret)
    if len(key) >= _SHORTEST_KEY:
        body = body.replace(key.encode(), b"***")
    payload = parsed(body)
    code, message = said(payload)
    is_page = isinstance(payload, str) and payload.lstrip()[:1] == "<"
    message = "" if is_page else (message or "")
    cls = _class(service, status, code, message)
    if cls is errors.Redirected and "location" in headers:
        message = message or f"It points to {headers['location']}."
    told = f"HTTP {status}, {code}" if code and code != str(status) else f"HTTP {status}"
    return _made(
        cls,
        f"{service.title} refused the request ({told})",
        message or ("It answered with an HTML page." if is_page else ""),
        service=service.name,
        status=status,
        code=code,
        request_id=headers.get("x-request-id") or _id(payload),
        retry_after=retry_after(headers, now),
        body=payload,
    )


def failure(service: Service, payload: Any, after: int = 0) -> ServiceError:
    """The error for a body or event that speaks of an error although the status was a success.

    Args:
        service: Who answered.
        payload: The body or event.
        after: How many events of the answer came before it.
    """
    code, message = said(payload)
    status = CODE_STATUSES.get((code or "").lower())
    if status is None and code and re.fullmatch(r"[45]\d\d", code):
        status = int(code)
    if status is None and isinstance(payload, Mapping) and isinstance(payload.get("status"), int):
        status = payload["status"]
    cls = _class(service, status or 500, code, message or "")
    return _made(
        cls,
        f"{service.title} reported an error in its answer"
        + (f", after {after} events" if after else "")
        + (f" ({code})" if code else ""),
        message or "",
        service=service.name,
        code=code,
        request_id=_id(payload),
        body=payload,
    )


def _class(service: Service, status: int, code: str | None, message: str) -> type[ServiceError]:
    own = service.error_class(status, code, message)
    if own is not None:
        return own
    if status in {400, 413, 422, 500} and _OVERFLOW.search(f"{code} {message}"):
        return errors.ContextOverflow
    return status_class(status)


def _made(cls: type[ServiceError], happened: str, message: str, **facts: Any) -> ServiceError:
    if len(message) > _LONGEST_MESSAGE:
        message = message[:_LONGEST_MESSAGE] + " ..."
    sentences = f"{happened}: {message}" if message else f"{happened}."
    if not sentences.endswith((".", "!", "?")):
        sentences += "."
    return cls(f"{sentences} {cls.advice}".rstrip(), **facts)


def _id(payload: Any) -> str | None:
    found = payload.get("id") or payload.get("request_id") if isinstance(payload, Mapping) else None
    return found if isinstance(found, str) else None


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds that the answer asks to wait, from `retry-after-ms` or `Retry-After`.

    >>> retry_after({"retry-after": "3"}, now=0.0)
    3.0
    >>> retry_after({"retry-after": "Thu, 01 Jan 1970 00:01:00 GMT"}, now=45.0)
    15.0
    """
    for name, per_second in (("retry-after-ms", 1000), ("retry-after", 1)):
        with suppress(ValueError):
            seconds = float(headers.get(name, "")) / per_second
            if math.isfinite(seconds):
                return max(0.0, seconds)
    try:
        date = email.utils.parsedate_to_datetime(headers.get("retry-after", ""))
        return max(0.0, date.timestamp() - now)
    except (TypeError, ValueError, OverflowError):
        return None
