"""Shapes of JSON values: small checks that name the field that is wrong.

A shape is data: `record({"model*": text(), "stop": listed(text())})` is an object with a needed
`model`, an optional `stop` and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from emissary_emulator.brain.words import listed as said_list


@dataclass(frozen=True)
class Problem:
    """What is wrong, and where: `Problem("messages[0].role", "must be ...")`."""

    path: str
    says: str

    def __str__(self) -> str:
        return f"{self.path or 'body'}: {self.says}"


Look = Callable[[Any, str], Problem | None]


@dataclass(frozen=True)
class Shape:
    """A set of JSON kinds, and a closer look at a value of one of them."""

    kinds: tuple[str, ...]
    look: Look | None = None

    def problem(self, value: object, path: str = "") -> Problem | None:
        """The first thing that is wrong with the value, if anything is."""
        found = _kind(value)
        if found not in self.kinds:
            wanted = said_list(dict.fromkeys(_SAID.get(kind, kind) for kind in self.kinds))
            return Problem(path, f"must be {wanted.replace(' and ', ' or ')}, not {_SAID[found]}")
        return self.look(value, path) if self.look else None


def anything() -> Shape:
    """Any JSON value."""
    return Shape(tuple(_SAID))


def text(pattern: str = "", *, least: int = 0, most: int | None = None) -> Shape:
    """A string, of a length and of a form."""

    def look(value: str, path: str) -> Problem | None:
        if len(value) < least:
            return Problem(path, "must not be empty")
        if most is not None and len(value) > most:
            return Problem(path, f"must not be longer than {most}")
        if pattern and not re.fullmatch(pattern, value):
            return Problem(path, f"must match {pattern}")
        return None

    return Shape(("string",), look)


def one_of(*words: str) -> Shape:
    """One of a few strings."""

    def look(value: str, path: str) -> Problem | None:
        return None if value in words else Problem(path, f"must be one of {', '.join(words)}")

    return Shape(("string",), look)


def number(low: float | None = None, high: float | None = None) -> Shape:
    """A number, within bounds."""
    return Shape(("number", "integer"), _within(low, high))


def integer(low: float | None = None, high: float | None = None) -> Shape:
    """A number written without a fraction."""
    return Shape(("integer",), _within(low, high))


def count(low: float | None = None, high: float | None = None) -> Shape:
    """A whole number, also when written as a float, as the Orq SDKs do."""
    bounds = _within(low, high)

    def look(value: float, path: str) -> Problem | None:
        if isinstance(value, float) and not value.is_integer():
            return Problem(path, "must be a whole number")
        return bounds(value, path)

    return Shape(("number", "integer"), look)


def flag() -> Shape:
    """True or false."""
    return Shape(("boolean",))


def nullable(shape: Shape) -> Shape:
    """The shape, or null."""

    def look(value: object, path: str) -> Problem | None:
        return None if value is None else shape.problem(value, path)

    return Shape((*shape.kinds, "null"), look)


def either(*shapes: Shape) -> Shape:
    """One of several shapes, told apart by their kind of value, else by trying."""

    def look(value: object, path: str) -> Problem | None:
        problems = [s.problem(value, path) for s in shapes if _kind(value) in s.kinds]
        return None if None in problems else problems[0]

    return Shape(tuple(kind for shape in shapes for kind in shape.kinds), look)


def listed(item: Shape, *, least: int = 0, most: int | None = None) -> Shape:
    """An array of the shape."""

    def look(value: list[Any], path: str) -> Problem | None:
        if len(value) < least:
            return Problem(path, "must not be empty")
        if most is not None and len(value) > most:
            return Problem(path, f"must not have more than {most} entries")
        return _first(item.problem(v, f"{path}[{i}]") for i, v in enumerate(value))

    return Shape(("array",), look)


def mapping(item: Shape, keys: str = "", *, most: int | None = None) -> Shape:
    """An object with keys of the caller's own."""

    def look(value: dict[str, Any], path: str) -> Problem | None:
        if most is not None and len(value) > most:
            return Problem(path, f"must not have more than {most} entries")
        strange = next((k for k in value if keys and not re.fullmatch(keys, k)), None)
        if strange is not None:
            return Problem(f"{path}.{strange}", f"key must match {keys}")
        return _first(item.problem(v, f"{path}.{k}") for k, v in value.items())

    return Shape(("object",), look)


def record(fields: Mapping[str, Shape], *, open_ended: bool = False) -> Shape:
    """An object with these fields; a star after the name marks a needed one."""
    shapes = {name.rstrip("*"): shape for name, shape in fields.items()}
    needed = [name.rstrip("*") for name in fields if name.endswith("*")]

    def look(value: dict[str, Any], path: str) -> Problem | None:
        inside = f"{path}." if path else ""
        missing = next((name for name in needed if name not in value), None)
        if missing is not None:
            return Problem(f"{inside}{missing}", "is missing")
        unknown = next((name for name in value if name not in shapes), None)
        if unknown is not None and not open_ended:
            return Problem(f"{inside}{unknown}", "is not a known field")
        return _first(
            shapes[name].problem(v, f"{inside}{name}")
            for name, v in value.items()
            if name in shapes
        )

    return Shape(("object",), look)


def tagged(tag: str, options: Mapping[str, Shape]) -> Shape:
    """An object whose shape is told by one of its fields."""
    words = one_of(*options)

    def look(value: dict[str, Any], path: str) -> Problem | None:
        inside = f"{path}.{tag}" if path else tag
        if tag not in value:
            return Problem(inside, "is missing")
        return words.problem(value[tag], inside) or options[value[tag]].problem(value, path)

    return Shape(("object",), look)


_SAID = {
    "null": "null",
    "boolean": "a boolean",
    "integer": "an integer",
    "number": "a number",
    "string": "a string",
    "array": "an array",
    "object": "an object",
}


def _kind(value: object) -> str:
    match value:
        case None:
            return "null"
        case bool():
            return "boolean"
        case int():
            return "integer"
        case float():
            return "number"
        case str():
            return "string"
        case list():
            return "array"
        case _:
            return "object"


def _within(low: float | None, high: float | None) -> Look:
    def look(value: float, path: str) -> Problem | None:
        if low is not None and value < low:
            return Problem(path, f"must not be below {low:g}")
        if high is not None and value > high:
            return Problem(path, f"must not be above {high:g}")
        return None

    return look


def _first(problems: Iterable[Problem | None]) -> Problem | None:
    return next((problem for problem in problems if problem is not None), None)
