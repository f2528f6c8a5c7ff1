"""What stands in an event: JSON, words and numbers of any type, text that comes in either way."""

from __future__ import annotations

import json
import math
from typing import Any

from pydantic_core import from_json


def json_value(data: bytes) -> Any:
    """The JSON value that data holds, or the data itself if it holds none.

    Half of a character, in UTF-8 or as an escape, becomes a replacement for it.
    """
    try:
        return from_json(data)
    except ValueError:
        pass
    try:
        value = json.loads(data.decode("utf-8", "replace"))
        return from_json(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return data


def text_of(content: Any) -> str:
    """Content as text: a string, the text parts of a list, or nothing."""
    if isinstance(content, str):
        return content
    if isinstance(content, list):
        return "".join(
            text_of(part.get("text")) if isinstance(part, dict) else text_of(part)
            for part in content
        )
    return ""


def whole_number(value: Any) -> int | None:
    """A number as a whole one: services send 0, 0.0 or nothing."""
    if value.__class__ is int:
        return value
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return int(value) if is_number and math.isfinite(value) else None


def object_of(value: Any) -> dict[str, Any] | None:
    """An object that is not empty, or nothing."""
    return value if value and isinstance(value, dict) else None


class GrowingText:
    """Text that may come as increments or as all the text so far; see wire/emissary.md, 4.

    >>> text = GrowingText("auto")
    >>> [text.added(piece) for piece in ("The", "The Vltava", " flows")]
    ['The', ' Vltava', ' flows']
    """

    def __init__(self, mode: str) -> None:
        self._mode = mode
        self._so_far = ""

    def added(self, text: str) -> str:
        """What a piece adds to the text so far."""
        if self._mode == "delta":
            return text
        longer = len(text) > len(self._so_far) and text.startswith(self._so_far)
        if longer or self._mode == "cumulative":
            text, self._so_far = text[len(self._so_far) :], text
        else:
            self._so_far += text
        return text
