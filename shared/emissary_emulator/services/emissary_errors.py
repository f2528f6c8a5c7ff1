"""How Emissary says no: a status and a string."""

from __future__ import annotations

from collections.abc import Mapping

from emissary_emulator.brain import JsonObject
from emissary_emulator.service import Failure, Refusal, is_good_key
from emissary_emulator.shapes import Problem

_REASONS = {400: "Bad request", 401: "Unauthorized", 404: "Not found", 429: "Too many requests"}


def wrong_field(problem: Problem) -> Refusal:
    """400 that names the field."""
    return Refusal(400, f"Bad request: {problem}", field=problem.path)


def no_model(model: str) -> Refusal:
    """404 that names the deployment or model."""
    return Refusal(404, f"Not found: {model}")


def bad_json(why: str) -> Refusal:
    """400 that says why the body is no JSON."""
    return Refusal(400, f"Bad request: body is not JSON: {why}")


def failure(refusal: Refusal) -> Failure:
    """`{status, error, code?}`; `error` is a string, `code` stands only on 404."""
    status = refusal.status
    message = refusal.message or _REASONS.get(status) or "Internal server error"
    if refusal.shape == "text":
        return Failure(status, message, "text/plain")
    body: JsonObject = {"status": status, "error": message}
    code = refusal.code or ("object_not_found" if status == 404 else None)
    return Failure(status, body | ({"code": code} if code else {}))


def authorised(headers: Mapping[str, str]) -> bool:
    """`X-API-Key: <key>`, without a scheme word."""
    key = headers.get("x-api-key", "")
    return is_good_key(key) and not key.lower().startswith("bearer ")
