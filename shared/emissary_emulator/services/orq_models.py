"""The models that the played Orq lists; others are answered all the same."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from emissary_emulator.service import Answer, Ask, Refusal, RefusedError

_CHAT, _VISION = ("json_mode", "tool_calling"), ("json_mode", "tool_calling", "vision")
_KNOWN = (
    # id, created, endpoint, context window, features
    ("openai/gpt-4o", 1715367049, "chat", 128000, _VISION),
    ("openai/gpt-4o-mini", 1721172741, "chat", 128000, _VISION),
    ("openai/gpt-4.1", 1744316542, "chat", 1047576, _VISION),
    ("openai/o3-mini", 1737146383, "chat", 200000, _CHAT),
    ("anthropic/claude-sonnet-4-5", 1759104000, "chat", 200000, _VISION),
    ("google/gemini-2.5-flash", 1750118400, "chat", 1048576, _VISION),
    ("groq/llama-3.3-70b-versatile", 1733447754, "chat", 131072, _CHAT),
    ("openai/gpt-3.5-turbo-instruct", 1692901427, "completion", 4096, ()),
    ("openai/text-embedding-3-small", 1705948997, "embedding", 8191, ()),
    ("cohere/rerank-multilingual-v3.0", 1712102400, "rerank", 4096, ()),
)
_MANY = 100


def listing(_: Ask) -> Answer:
    """All models, as OpenAI lists them."""
    data = [
        {"id": name, "object": "model", "created": created, "owned_by": name.split("/")[0]}
        for name, created, *_ in _KNOWN
    ]
    return Answer({"object": "list", "data": data})


def catalogue(ask: Ask) -> Answer:
    """One page of the catalogue, filtered; numbers come as strings."""
    entries = [entry for entry in map(_entry, _KNOWN) if _fits(entry, ask)]
    places = {entry["id"]: place for place, entry in enumerate(entries)}
    start, end = _one(ask, "starting_after"), _one(ask, "ending_before")
    first = places[_known(start, places, "starting_after")] + 1 if start else 0
    last = places[_known(end, places, "ending_before")] if end else len(entries)
    limit = _limit(ask)
    wanted = entries[first:last]
    page = wanted[-limit:] if end and not start else wanted[:limit]
    return Answer({"object": "list", "data": page, "has_more": len(page) < len(wanted)})


def _entry(known: tuple[str, int, str, int, tuple[str, ...]]) -> dict[str, Any]:
    name, created, endpoint, room, features = known
    provider, _, model = name.partition("/")
    sees = ["text", "image"] if "vision" in features else ["text"]
    return {
        "id": name,
        "created": str(created),
        "name": model,
        "description": f"{model} of {provider}",
        "provider": {"id": provider, "logo": ""},
        "endpoints": [endpoint],
        "modalities": {"input": sees, "output": ["text"]},
        "offering_of": name,
        "supported_parameters": ["max_tokens", "temperature", "tools"] if features else [],
        "supported_tiers": [],
        "context_window": str(room),
        "location": ["us"],
        "features": list(features),
        "deprecated": False,
    }


def _fits(entry: dict[str, Any], ask: Ask) -> bool:
    held: dict[str, Iterable[str]] = {
        "provider": [entry["provider"]["id"]],
        "endpoint": entry["endpoints"],
        "input_modality": entry["modalities"]["input"],
        "output_modality": entry["modalities"]["output"],
        "location": entry["location"],
        "feature": entry["features"],
    }
    return all(
        set(ask.query.get(name, values)) & set(values) or name not in ask.query
        for name, values in held.items()
    )


def _one(ask: Ask, name: str) -> str | None:
    return next(iter(ask.query.get(name, [])), None)


def _known(name: str, places: dict[str, int], field: str) -> str:
    if name not in places:
        raise RefusedError(Refusal(400, f"{field}: {name!r} is not in the catalogue", field=field))
    return name


def _limit(ask: Ask) -> int:
    value = _one(ask, "limit") or str(_MANY)
    if not value.isdecimal() or not 1 <= int(value) <= 1000:
        raise RefusedError(Refusal(400, "limit: must be from 1 to 1000", field="limit"))
    return int(value)
