"""What a documented request field may hold."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

Kind: TypeAlias = Literal[
    "integer", "count", "number", "boolean", "string", "array", "object", "any"
]


@dataclass(frozen=True, slots=True)
class Field:
    """The type of a field, and its range where the service states one.

    `count` is a number that means a whole one most of the time, so 7.0 goes out as 7.
    """

    kind: Kind
    low: float | None = None
    high: float | None = None

    def within(self, low: float | None = None, high: float | None = None) -> Field:
        """The same field with a range."""
        return replace(self, low=low, high=high)

    def checked(self, name: str, value: Any) -> Any:
        """The value as it goes out.

        Raises:
            ValueError: The service would refuse it.
        """
        fits, plain = _CHECKS[self.kind](value)
        if not fits:
            raise ValueError(f"{name} must be {_WORDS[self.kind]}, not {_shown(value)}.")
        if self.low is not None and plain < self.low:
            raise ValueError(f"{name} must be at least {self.low:g}, not {_shown(value)}.")
        if self.high is not None and plain > self.high:
            raise ValueError(f"{name} must be at most {self.high:g}, not {_shown(value)}.")
        return plain


INTEGER = Field("integer")
COUNT = Field("count")
NUMBER = Field("number")
BOOLEAN = Field("boolean")
STRING = Field("string")
ARRAY = Field("array")
OBJECT = Field("object")
ANY = Field("any")

_WORDS = {
    "integer": "a whole number",
    "count": "a number",
    "number": "a finite number",
    "boolean": "true or false",
    "string": "a string",
    "array": "a list",
    "object": "a mapping",
}


def _shown(value: Any) -> str:
    """The value if it is a plain number, else its type: a text may be a secret or a prompt."""
    return repr(value) if isinstance(value, (int, float)) else type(value).__name__


def _number(value: Any) -> tuple[bool, Any]:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return is_number and math.isfinite(value), value


def _count(value: Any) -> tuple[bool, Any]:
    fits, value = _number(value)
    return fits, int(value) if fits and value == int(value) else value


def _integer(value: Any) -> tuple[bool, Any]:
    fits, value = _count(value)
    return fits and isinstance(value, int), value


def _array(value: Any) -> tuple[bool, Any]:
    fits = isinstance(value, (list, tuple))
    return fits, list(value) if fits else value


def _object(value: Any) -> tuple[bool, Any]:
    fits = isinstance(value, Mapping)
    return fits, dict(value) if fits else value


_CHECKS: Mapping[str, Callable[[Any], tuple[bool, Any]]] = {
    "integer": _integer,
    "count": _count,
    "number": _number,
    "boolean": lambda value: (isinstance(value, bool), value),
    "string": lambda value: (isinstance(value, str), value),
    "array": _array,
    "object": _object,
    "any": lambda value: (True, value),
}
