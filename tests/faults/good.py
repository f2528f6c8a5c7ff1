"""Sound answers of each kind, whole and in pieces."""

from __future__ import annotations

import json
from typing import Any

PIECES = ("Řeka ", "Vltava 🌊 ", "teče.")
TEXT = "".join(PIECES)
USAGE = {"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8}
VECTOR = [0.5, -0.25, 1.0]
SCORE = 0.75
MODES = {"chat": ("plain", "streamed"), "text": ("plain", "streamed")}


def whole(kind: str) -> dict[str, Any]:
    """The body of a whole answer."""
    about = {"id": "a1", "model": "m", "usage": USAGE}
    if kind == "embeddings":
        return about | {"data": [{"index": 0, "embedding": VECTOR}]}
    if kind == "rerank":
        return about | {"results": [{"index": 0, "relevance_score": SCORE}]}
    return about | {"choices": [said(kind, TEXT, "stop")]}


def said(kind: str, text: str, finish_reason: str | None = None, key: str = "message") -> Any:
    """A choice."""
    words = {"text": text} if kind == "text" else {key: {"content": text}}
    return {"index": 0, **words, "finish_reason": finish_reason}


def event(kind: str, text: str, finish_reason: str | None = None, **more: Any) -> dict[str, Any]:
    """An event of a stream."""
    return {"id": "a1", "choices": [said(kind, text, finish_reason, "delta")], **more}


def events(kind: str) -> list[bytes]:
    """The data of each event of a stream, to its end."""
    spoken = [event(kind, text) for text in PIECES]
    ends = [event(kind, "", "stop"), {"id": "a1", "choices": [], "usage": USAGE}]
    return [*map(encoded, (*spoken, *ends)), b"[DONE]"]


def encoded(value: Any) -> bytes:
    """As JSON with the characters as they are, not escaped."""
    return json.dumps(value, ensure_ascii=False).encode()


def sse(*data: bytes, end: bytes = b"\n", before: bytes = b"") -> bytes:
    """Server-sent events."""
    return before + b"".join(b"data: %s%s%s" % (each, end, end) for each in data)


def answer(kind: str) -> str:
    """What comes out at the end."""
    return {"embeddings": str(VECTOR), "rerank": str(SCORE)}.get(kind, TEXT)
