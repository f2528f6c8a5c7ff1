"""JSON that is still being written, readable at every point, each piece looked at once."""

from __future__ import annotations

import json
import re
from typing import Any

_SPACE = re.compile(r"[ \t\n\r]*")
_RUN = re.compile(r'[^"\\]*')
_SCALAR = re.compile(r"[-+.0-9A-Za-z]+")
_ESCAPE = re.compile(
    r'\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\["\\/bfnrt]'
)
_OPEN_ESCAPE = re.compile(
    r"\\(?:u[0-9a-fA-F]{0,3}|u[dD][89abAB][0-9a-fA-F]{2}(?:\\(?:u.{0,3})?)?)?$"
)
_CLOSERS: dict[str, type] = {"}": dict, "]": list}


class GrowingJson:
    """JSON text of one object, piece by piece in, the object as far as it is known out.

    A string shows as far as it has come, a number or word once it is complete, a key without its
    value yet as None. Objects that were given out are not changed later.

    >>> arguments = GrowingJson()
    >>> for piece in ('{"city": "Pra', 'gue", "days"', ": 1", "2}"):
    ...     arguments.feed(piece)
    ...     print(arguments.value)
    {'city': 'Pra'}
    {'city': 'Prague', 'days': None}
    {'city': 'Prague', 'days': None}
    {'city': 'Prague', 'days': 12}

    Attributes:
        whole: The object is complete.
        broken: It is no JSON, or there is more than one object.
    """

    __slots__ = (
        "_expected",
        "_in_key",
        "_in_string",
        "_lenient",
        "_rest",
        "_root",
        "_shared",
        "_stack",
        "_text",
        "broken",
        "whole",
    )

    def __init__(self, *, lenient: bool = False) -> None:
        """Begin with nothing; `lenient` skips what stands before and after the object."""
        self.whole = False
        self.broken = False
        self._lenient = lenient
        self._root: dict[str, Any] = {}
        self._stack: list[Any] = []
        self._expected = "start"
        self._rest = ""
        self._in_string = False
        self._in_key = False
        self._text = ""
        self._shared = False

    @property
    def value(self) -> dict[str, Any]:
        """The object as far as it is known."""
        self._shared = True
        return self._root

    def feed(self, piece: str) -> None:
        """Read the next piece."""
        if self.broken or (self.whole and self._lenient):
            return
        if self._shared:
            self._part_from_what_was_given()
        text, self._rest = self._rest + piece, ""
        at = 0
        try:
            while at < len(text):
                at = self._string(text, at) if self._in_string else self._structure(text, at)
        except ValueError:
            self.broken = True
        if self._in_string and not self._in_key:
            self._put(self._text)

    def _part_from_what_was_given(self) -> None:
        """Copy the objects and lists that are still open, and no others."""
        self._shared = False
        for depth, container in enumerate(self._stack):
            self._stack[depth] = copy = container.copy()
            if depth:
                _put_last(self._stack[depth - 1], copy)
            else:
                self._root = copy

    def _structure(self, text: str, at: int) -> int:
        at = _end(_SPACE, text, at)
        if at == len(text):
            return at
        char, expected = text[at], self._expected
        if expected == "start":
            return self._begin(text, at)
        if char in ",:":
            self._mark(char)
        elif char in "}]":
            self._close(char)
        elif char == '"' and "key" in expected:
            self._in_string = self._in_key = True
            self._text = ""
        elif "value" not in expected:
            raise ValueError("out of place")
        elif char == '"':
            self._in_string = True
            self._text = ""
            self._add("")
        elif char in "{[":
            self._open({} if char == "{" else [])
        else:
            return self._scalar(text, at)
        return at + 1

    def _begin(self, text: str, at: int) -> int:
        if self._lenient:
            at = text.find("{", at)
            if at < 0:
                return len(text)
        if text[at] != "{":
            raise ValueError("no object")
        self._root = {}
        self._stack = [self._root]
        self._expected = "key or end"
        return at + 1

    def _mark(self, char: str) -> None:
        if char == ":" and self._expected == "colon":
            self._expected = "value"
        elif char == "," and self._expected == "comma or end":
            self._expected = "key" if isinstance(self._stack[-1], dict) else "value"
        else:
            raise ValueError("out of place")

    def _open(self, container: Any) -> None:
        self._add(container)
        self._stack.append(container)
        self._expected = "key or end" if isinstance(container, dict) else "value or end"

    def _close(self, char: str) -> None:
        if "end" not in self._expected or not isinstance(self._stack[-1], _CLOSERS[char]):
            raise ValueError("out of place")
        self._stack.pop()
        self._expected = "comma or end"
        if not self._stack:
            self.whole = True
            self._expected = "nothing"

    def _scalar(self, text: str, at: int) -> int:
        end = _end(_SCALAR, text, at)
        if end == len(text):
            self._rest = text[at:]  # more of it may come
        else:
            self._add(json.loads(text[at:end]))
            self._expected = "comma or end"
        return end

    def _string(self, text: str, at: int) -> int:
        end = _end(_RUN, text, at)
        self._text += text[at:end]
        if end == len(text):
            return end
        if text[end] == '"':
            self._end_string()
            return end + 1
        if _OPEN_ESCAPE.match(text, end):
            self._rest = text[end:]
            return len(text)
        escape = _ESCAPE.match(text, end)
        if escape is None:
            raise ValueError("no escape")
        self._text += json.loads(f'"{escape[0]}"')
        return escape.end()

    def _end_string(self) -> None:
        self._in_string = False
        if self._in_key:
            self._in_key = False
            self._stack[-1].pop(self._text, None)  # so that the last key is the open one
            self._stack[-1][self._text] = None
            self._expected = "colon"
        else:
            self._put(self._text)
            self._expected = "comma or end"

    def _add(self, value: Any) -> None:
        """Put a new value into the container that is open."""
        container = self._stack[-1]
        if isinstance(container, list):
            container.append(value)
        else:
            _put_last(container, value)

    def _put(self, value: Any) -> None:
        _put_last(self._stack[-1], value)


def _put_last(container: Any, value: Any) -> None:
    """Replace the last value of an object or list."""
    container[-1 if isinstance(container, list) else next(reversed(container))] = value


def _end(pattern: re.Pattern[str], text: str, at: int) -> int:
    found = pattern.match(text, at)
    return found.end() if found else at
