"""How Atoma says no: the proxy in JSON, the web framework before it in plain text."""

from __future__ import annotations

from collections.abc import Mapping

from emissary_emulator.brain import JsonObject
from emissary_emulator.service import Failure, Refusal, is_good_key
from emissary_emulator.shapes import Problem

_CODES: Mapping[int, tuple[str, str]] = {
    400: ("REQUEST_ERROR", "Request error: Bad request"),
    401: ("AUTH_ERROR", "Authentication failed"),
    402: ("BALANCE_ERROR", "Insufficient balance"),
    404: ("NOT_FOUND", "Resource not found"),
    423: ("LOCKED", "Locked"),
    425: ("UNAVAILABLE_STACK", "Stack unavailable"),
    429: ("TOO_MANY_REQUESTS", "Too many requests"),
    500: ("INTERNAL_ERROR", "Internal server error occurred"),
    501: ("NOT_IMPLEMENTED", "Endpoint not implemented"),
    503: ("SERVICE_UNAVAILABLE", "Service unavailable"),
}
_SAID = {"FIAT_PAYMENTS_ONLY": "Only fiat payments are supported"} | dict(_CODES.values())
_PLAIN = {
    404: "",
    405: "",
    413: "length limit exceeded",
    415: "Expected request with `Content-Type: application/json`",
    422: "Failed to deserialize the JSON body into the target type",
}


def look_at_chat(body: JsonObject) -> Refusal | None:
    """What the proxy itself checks, in its own words, before it looks at the key."""
    messages = body.get("messages")
    if not isinstance(messages, list):
        return _unparsed("chat completions", "Missing or invalid 'messages' field")
    if not all(isinstance(message, dict) and _has_content(message) for message in messages):
        return Refusal(400, "Request error: Missing or invalid message content")
    return None


def _has_content(message: JsonObject) -> bool:
    content = message.get("content")
    if isinstance(content, list):
        kinds = {part.get("type") if isinstance(part, dict) else None for part in content}
        return bool(kinds) and kinds <= {"text", "image_url"}
    return isinstance(content, str)


def look_at_embeddings(body: JsonObject) -> Refusal | None:
    """What the proxy itself checks of an embeddings request."""
    if isinstance(body.get("input"), str):
        return None
    return _unparsed("embeddings", "Input field is required")


def _unparsed(what: str, why: str) -> Refusal:
    return Refusal(
        400, f"Request error: Failed to parse body as {what} request model: Invalid request: {why}"
    )


def wrong_field(problem: Problem) -> Refusal:
    """400 that names the field."""
    return Refusal(400, f"Request error: {problem}", field=problem.path)


def no_model(_: str) -> Refusal:
    """400 in the proxy's words."""
    return Refusal(400, "Request error: Model not supported", field="model")


def bad_json(why: str) -> Refusal:
    """400 that says why the body is no JSON."""
    return Refusal(400, f"Request error: body is not JSON: {why}")


def failure(refusal: Refusal) -> Failure:
    """`{error: {code, message}}`; what the web framework says itself is plain text."""
    status = refusal.status
    if refusal.shape == "text" or (status in _PLAIN and status not in _CODES):
        said = refusal.message or ""
        return Failure(status, _PLAIN.get(status, said), "text/plain")
    code, message = _CODES.get(status, _CODES[500])
    code = refusal.code or code
    message = refusal.message or (_SAID.get(code, message) if refusal.code else message)
    return Failure(status, {"error": {"code": code, "message": message}})


def authorised(headers: Mapping[str, str]) -> bool:
    """`Authorization: Bearer <key>`: this case, one space."""
    value = headers.get("authorization", "")
    key = value.removeprefix("Bearer ")
    return key != value and key == key.strip() and is_good_key(key)
