"""Which JSON is a function call."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from emissary_transport.prompted.json_text import compact, read_json

_NAME_KEYS = ("name", "function", "tool", "tool_name")
_ARGUMENT_KEYS = ("arguments", "parameters", "args", "input")
_SIDE_KEYS = frozenset({"type", "id"})
_KEYS = _SIDE_KEYS.union(_NAME_KEYS, _ARGUMENT_KEYS)
_TYPES = frozenset({"function", "tool_call", "function_call", "tool_use"})


@dataclass(frozen=True, slots=True)
class FoundCall:
    """A call as it was found in text; `arguments` is compact JSON text of an object."""

    name: str
    arguments: str


def read_calls(text: str, known: Collection[str] | None = None) -> list[FoundCall]:
    """The calls that JSON text stands for, or none if any part of it is something else.

    Without known names every name is good.

    >>> read_calls('{"tool": "say", "args": {"text": "hi"}}')
    [FoundCall(name='say', arguments='{"text":"hi"}')]
    >>> read_calls('{"name": "Ada", "born": 1815}', {"say"})
    []
    """
    try:
        value = read_json(text)
        found = [_call(each, known) for each in (value if isinstance(value, list) else [value])]
    except (ValueError, RecursionError):
        return []
    return [call for call in found if call] if all(found) else []


def named_call(name: str, text: str) -> list[FoundCall]:
    """The call whose name stands outside of its arguments."""
    try:
        return [FoundCall(name, _arguments(text))]
    except (ValueError, RecursionError):
        return []


def _call(value: object, known: Collection[str] | None) -> FoundCall | None:
    if not isinstance(value, dict):
        return None
    inside = value["function"] if isinstance(value.get("function"), dict) else value
    name = next((n for key in _NAME_KEYS if isinstance(n := inside.get(key), str) and n), None)
    if name is None or _is_signature(inside):
        return None
    given = next(
        (each[key] for each in (inside, value) for key in _ARGUMENT_KEYS if key in each), None
    )
    if known is not None and (name not in known or (given is None and value.keys() - _KEYS)):
        return None
    return FoundCall(name, _arguments(given))


def _is_signature(function: Mapping[str, Any]) -> bool:
    """Whether this describes a function, as the prompt does, rather than calls it."""
    schema = function.get("parameters")
    if not isinstance(schema, dict) or schema.get("type") != "object":
        return False
    return "description" in function or isinstance(schema.get("properties"), dict)


def _arguments(given: object) -> str:
    if isinstance(given, str):
        given = read_json(given) if given.strip() else None
    if given is None:
        return "{}"
    if not isinstance(given, dict):
        raise ValueError("arguments that are no object")
    return compact(given)


class Gate:
    """Tells from the first words of untagged JSON whether it may be a call of a known function.

    >>> gate = Gate({"say"})
    >>> [gate.feed(c) for c in '{"na'], [gate.feed(c) for c in 'me": "say"']
    ([None, None, None, None], [None, None, None, None, None, None, None, None, None, True])
    """

    def __init__(self, names: Collection[str]) -> None:
        self._names = names
        self._limit = max(64, *map(len, names)) if names else 64
        self._quote = ""
        self._string = ""
        self._key = ""
        self._place = "start"

    def feed(self, char: str) -> bool | None:
        """Give True for a call, False for none, None as long as that is open."""
        if not self._quote:
            if char.isspace():
                return None
            if char in "\"'":
                self._quote, self._string = char, ""
                return None if self._place in {"key", "value"} else False
            return self._mark(char)
        if char == self._quote:
            self._quote = ""
            return self._word(self._string)
        if self._place == "value" and self._key in _ARGUMENT_KEYS and not char.isspace():
            return char == "{"  # arguments written as a string
        self._string += char
        return False if char == "\n" or len(self._string) > self._limit else None

    def _mark(self, char: str) -> bool | None:
        if self._place == "value" and char == "{":
            return self._key == "function" or self._key in _ARGUMENT_KEYS
        following = {
            ("start", "["): "item",
            ("start", "{"): "key",
            ("item", "{"): "key",
            ("colon", ":"): "value",
            ("comma", ","): "key",
        }.get((self._place, char))
        self._place = following or self._place
        return None if following else False

    def _word(self, word: str) -> bool | None:
        if self._place == "key":
            self._key, self._place = word, "colon"
            return None if word in _KEYS else False
        self._place = "comma"
        if self._key in _NAME_KEYS:
            return word in self._names
        return None if self._key == "id" or word in _TYPES else False
