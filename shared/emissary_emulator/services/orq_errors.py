"""How Orq says no: four forms, each on the paths and statuses where it was seen."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from emissary_emulator.service import DOCUMENTED, Failure, Refusal, is_good_key
from emissary_emulator.shapes import Problem

_DOCS = "https://docs.orq.ai/errors/"
_CODES: Mapping[int, tuple[str, str]] = {
    400: ("invalid_request_body", "The request body is not valid."),
    401: ("invalid_api_key", "The key is not valid."),
    402: ("quota_exceeded", "The quota of this workspace is used up."),
    403: ("insufficient_scope", "The key may not do this."),
    404: ("deployment_not_found", "There is no such deployment."),
    408: ("request_timeout", "The request took too long."),
    415: ("unsupported_media_type", "The body must be application/json."),
    422: ("model_configuration_missing", "The model is not configured."),
    429: ("rate_limit_exceeded", "Too many requests for this workspace."),
    500: ("internal_error", "Something went wrong."),
    501: ("not_implemented", "This is not implemented."),
    502: ("provider_error", "The provider answered with an error."),
    503: ("provider_overloaded", "The provider is overloaded."),
    504: ("provider_timeout", "The provider did not answer in time."),
}
_FORMS = {400: "openai", 404: "flat", 422: "openai", 500: "message"}
_LIMITS = {
    "X-RateLimit-Limit": "60",
    "X-RateLimit-Remaining": "0",
    "X-RateLimit-Reset": "1760535008",
}


def failure(refusal: Refusal) -> Failure:
    """The refusal in the form that its status has, or in the form that was asked for."""
    status = refusal.status
    code, message = _CODES.get(status, ("internal_error", "Something went wrong."))
    code, message = refusal.code or code, refusal.message or message
    form = refusal.shape if refusal.shape != DOCUMENTED else _FORMS.get(status, "envelope")
    headers = _LIMITS if status == 429 else {}
    return Failure(status, _body(form, refusal, code, message), headers=headers)


def _body(form: str, refusal: Refusal, code: str, message: str) -> dict[str, Any]:
    match form:
        case "openai":
            kind = "invalid_request_error" if refusal.status < 500 else "api_error"
            error = {"message": message, "type": kind, "param": refusal.field, "code": code}
            return {"error": error}
        case "flat":
            number = hashlib.blake2b(message.encode(), digest_size=16).hexdigest()
            source = "system" if refusal.status < 500 else "provider"
            return {"id": number, "code": refusal.status, "error": message, "source": source}
        case "message":
            return {"message": message, "code": refusal.code or str(refusal.status)}
        case _:
            return {"error": {"code": code, "message": message, "doc_url": _DOCS + code}}


def wrong_field(problem: Problem) -> Refusal:
    """400 that names the field; 422 for a conversation without messages."""
    empty = problem == Problem("messages", "must not be empty")
    message = "messages must not be empty" if empty else str(problem)
    return Refusal(422 if empty else 400, message, "invalid_request_body", problem.path)


def no_model(model: str) -> Refusal:
    """404 in the older form, as seen on the chat path."""
    return Refusal(404, f"No model has the key {model!r}.")


def bad_json(why: str) -> Refusal:
    """400 that says why the body is no JSON."""
    return Refusal(400, f"The body is not JSON: {why}", "invalid_request_body")


def authorised(headers: Mapping[str, str]) -> bool:
    """`Authorization: Bearer <key>`, the scheme in any case."""
    scheme, _, key = headers.get("authorization", "").partition(" ")
    return scheme.lower() == "bearer" and is_good_key(key)
