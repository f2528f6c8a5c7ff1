"""Token usage, read from whatever numbers a service gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from emissary_transport.content import whole_number
from emissary_transport.types import Usage


def usage_of(told: Any) -> Usage | None:
    """Token usage as whole numbers, from numbers that may be floats, null or missing.

    >>> usage_of({"prompt_tokens": 3.0, "completion_tokens": 4, "total_tokens": None}).total_tokens
    7
    """
    if not isinstance(told, Mapping):
        return None
    given, made = _whole(told, "prompt_tokens"), _whole(told, "completion_tokens")
    total = _whole(told, "total_tokens")
    if given is made is total is None:
        return None
    given, made = given or 0, made or 0
    inputs = _part(told, "prompt_tokens_details") or _part(told, "prompt_token_details")
    outputs = _part(told, "completion_tokens_details")
    details = _details(inputs, outputs) if inputs or outputs else {}
    return Usage(given, made, total or given + made, **details)


def _part(told: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = told.get(name)
    return part if part and isinstance(part, Mapping) else {}


def _details(inputs: Mapping[str, Any], outputs: Mapping[str, Any]) -> dict[str, int | None]:
    return {
        "cached_tokens": _whole(inputs, "cached_tokens"),
        "cache_creation_tokens": _whole(inputs, "cache_creation_tokens"),
        "audio_input_tokens": _whole(inputs, "audio_tokens"),
        "audio_output_tokens": _whole(outputs, "audio_tokens"),
        "reasoning_tokens": _whole(outputs, "reasoning_tokens"),
        "accepted_prediction_tokens": _whole(outputs, "accepted_prediction_tokens"),
        "rejected_prediction_tokens": _whole(outputs, "rejected_prediction_tokens"),
    }


def _whole(counts: Mapping[str, Any], name: str) -> int | None:
    count = counts.get(name)
    return None if count is None else whole_number(count)


def total_usage(*each: Usage | None) -> Usage | None:
    """What several answers took together; what none of them told is None.

    >>> total_usage(Usage(1, 2, 3), None, Usage(4, 5, 9)).total_tokens
    12
    """
    known = [usage for usage in each if usage is not None]
    if len(known) < 2:
        return known[0] if known else None
    total: dict[str, Any] = {}
    for field in fields(Usage):
        counts = [getattr(usage, field.name) for usage in known]
        told = [count for count in counts if count is not None]
        total[field.name] = sum(told) if told else None
    return Usage(**total)
