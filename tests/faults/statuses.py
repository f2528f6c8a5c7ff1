"""Every status that a service documents, in every shape that its errors have."""

from __future__ import annotations

import json

from emissary_transport import errors
from faults.rows import Outcome

STATUSES: dict[int, Outcome] = {
    400: Outcome(errors.InvalidRequest),
    401: Outcome(errors.AuthenticationFailed),
    402: Outcome(errors.PaymentRequired),
    403: Outcome(errors.PermissionDenied),
    404: Outcome(errors.NotFound),
    405: Outcome(errors.InvalidRequest),
    408: Outcome(errors.RequestTimeout, 3),
    413: Outcome(errors.InvalidRequest),
    415: Outcome(errors.InvalidRequest),
    422: Outcome(errors.InvalidRequest),
    423: Outcome(errors.Locked),
    425: Outcome(errors.Locked),
    429: Outcome(errors.RateLimited, 3),
    500: Outcome(errors.ServerError, 3),
    501: Outcome(errors.NotSupported),
    502: Outcome(errors.ServerError, 3),
    503: Outcome(errors.ServerError, 3),
    504: Outcome(errors.ServerError, 3),
}

OWN_SHAPES = {
    "emissary": {"status": 0, "error": "It is bad.", "code": "some_code"},
    "orq envelope": {"error": {"code": "some_code", "message": "It is bad.", "doc_url": "x"}},
    "orq openai": {"error": {"message": "It is bad.", "type": "t", "param": None, "code": None}},
    "orq flat": {"id": "r1", "code": 0, "error": "It is bad.", "source": "provider"},
    "orq message": {"message": "It is bad.", "code": "some_code"},
    "atoma": {"error": {"code": "SOME_CODE", "message": "It is bad."}},
}
STRAY_SHAPES = {
    "page": ("text/html", b"<html><body>Bad gateway</body></html>"),
    "page called JSON": ("application/json", b"<html><body>Bad gateway</body></html>"),
    "empty": ("application/json", b""),
    "text": ("text/plain", b"It is bad."),
    "JSON called text": ("text/plain", b'{"error": "It is bad."}'),
    "a list": ("application/json", b'["It is bad."]'),
    "null": ("application/json", b"null"),
    "half": ("application/json", b'{"error": {"mess'),
    "all null": ("application/json", b'{"error": null, "message": null, "code": null}'),
    "a stream": ("text/event-stream", b'data: {"error": "It is bad."}\n\n'),
    "no UTF-8": ("application/json", b'{"error": "\xff\xfe"}'),
}
SPECIAL = [
    ("atoma", 400, "FIAT_PAYMENTS_ONLY", "Only fiat payments are supported",
     Outcome(errors.PaymentRequired)),
    ("atoma", 500, "INTERNAL_ERROR", "Bad Request", Outcome(errors.InvalidRequest)),
    ("orq", 400, "context_length_exceeded", "Too long.", Outcome(errors.ContextOverflow)),
    ("orq", 401, "401", "No API key configured for provider openai.",
     Outcome(errors.AuthenticationFailed)),
    ("orq", 402, "quota_exceeded", "Used up.", Outcome(errors.PaymentRequired)),
]  # fmt: skip
"""Where the code or the words mean something else than the status alone."""


def bodies(service: str) -> dict[str, tuple[str, bytes]]:
    """Content type and body of each shape of a service's errors."""
    own = {name: shape for name, shape in OWN_SHAPES.items() if name.startswith(service)}
    as_json = {
        name: ("application/json", json.dumps(shape).encode()) for name, shape in own.items()
    }
    return as_json | STRAY_SHAPES
